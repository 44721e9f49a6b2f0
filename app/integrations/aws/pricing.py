"""The list of prices as an administrator sees and corrects it: the file's, with their own above them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from app.accounts import audit
from app.core.errors import Invalid, NotFound
from app.core.work import Work
from app.integrations.aws import naming, queries
from app.integrations.aws.forms import PriceRequest
from app.integrations.aws.prices import USAGES, shipped
from app.integrations.aws.tables import CloudPrice

CHANGED = "cloud.price_changed"
HIGHEST = 1000.0  # dollars an hour; the dearest instance of today costs an eighth of it


class UnusablePrice(Invalid):
    title = "That is no price"


class PriceNotFound(NotFound):
    title = "No price of your own"


@dataclass(frozen=True)
class PriceRow:
    """``own`` where an administrator entered it. None: nobody knows."""

    region: str
    instance_type: str
    usage: str
    dollars_per_hour: float | None
    as_of: date
    source: str
    own: bool


def price_rows(work: Work, region: str = "", text: str = "") -> list[PriceRow]:
    """By region, instance type and usage."""
    rows = {key: PriceRow(**vars(each), own=False) for key, each in shipped().items()}
    for each in queries.prices(work.session):
        key = (each.region, each.instance_type, each.usage)
        rows[key] = PriceRow(*key, each.dollars_per_hour, each.as_of, each.source, own=True)
    wanted = [rows[key] for key in sorted(rows)]
    return [row for row in wanted if region in ("", row.region) and text in row.instance_type]


def set_price(work: Work, actor_id: str, wanted: PriceRequest) -> CloudPrice:
    dollars, as_of = _dollars(wanted.dollars_per_hour), _day(wanted.as_of)
    _refuse_names(wanted)
    key = (wanted.region, wanted.instance_type, wanted.usage)
    row = queries.price(work.session, *key)
    if row is None:
        row = CloudPrice(region=key[0], instance_type=key[1], usage=key[2])
        work.session.add(row)
    row.dollars_per_hour, row.as_of, row.source = dollars, as_of, wanted.source or "entered by hand"
    told = {"usage": wanted.usage, "dollars_per_hour": dollars, "as_of": as_of}
    audit.record(work.session, actor_id, CHANGED, f"{wanted.region}/{wanted.instance_type}", told)
    work.session.flush()
    return row


def forget_price(work: Work, actor_id: str, region: str, instance_type: str, usage: str) -> None:
    """The file's counts again, where it has one."""
    row = queries.price(work.session, region, instance_type, usage)
    if row is None:
        raise PriceNotFound("No such price was entered here.", "Reload the page.")
    work.session.delete(row)
    told = {"usage": usage, "dollars_per_hour": "as it came with the product"}
    audit.record(work.session, actor_id, CHANGED, f"{region}/{instance_type}", told)


def _refuse_names(wanted: PriceRequest) -> None:
    problem = naming.region(wanted.region) or naming.instance(wanted.instance_type)
    if not problem and wanted.usage not in USAGES:
        problem = f"A usage is one of {', '.join(USAGES)}."
    if problem:
        raise UnusablePrice(problem, "Nothing was saved.")


def _dollars(value: str | float | None) -> float | None:
    if value in (None, ""):
        return None
    try:
        dollars = float(value)
    except ValueError:
        raise UnusablePrice(f"{value!r} is no number.", "Write dollars an hour, as 0.23.") from None
    if not 0 <= dollars <= HIGHEST:
        raise UnusablePrice(f"{dollars:g} dollars an hour can't be.", f"Write 0 to {HIGHEST:g}.")
    return dollars


def _day(value: str) -> date:
    """Prices change: one without a date would be taken for today's for ever."""
    try:
        day = date.fromisoformat(value) if value else datetime.now(UTC).date()
    except ValueError:
        raise UnusablePrice(f"{value!r} is no day.", "Write it as 2026-11-22.") from None
    if day > datetime.now(UTC).date():
        raise UnusablePrice(f"{day} has not come yet.", "Write the day on which the price was read.")
    return day
