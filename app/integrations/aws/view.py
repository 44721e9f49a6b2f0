"""What pages and interface show of the cloud: settings, the last check, resources with their price."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.core.services import Services, Subject
from app.core.work import Work
from app.integrations.aws.config import row_of
from app.integrations.aws.deletion import ENDED, LOOKS_AT, ORDER
from app.integrations.aws.prices import Usage, price_of
from app.integrations.aws.tables import CloudResource
from app.integrations.errands import queries as errands
from app.integrations.errands.tables import OPEN, Errand

# What bills by the hour while it runs, and under which of the prices.
BILLED: Mapping[str, Usage] = {
    "endpoint": "hosting",
    "training-job": "training",
    "processing-job": "processing",
}


@dataclass(frozen=True)
class ResourceRow:
    """``dollars_per_hour`` while it runs; None with ``bills`` set: it costs something, nobody knows what."""

    resource: CloudResource
    subject: Subject | None
    bills: bool
    dollars_per_hour: float | None

    @property
    def title(self) -> str:
        return self.subject.title if self.subject else self.resource.subject_id or ""

    @property
    def state(self) -> str:
        if self.resource.deleted_at:
            return "Deleted"
        if self.resource.kind not in LOOKS_AT:
            return ""
        return self.resource.state or "not asked yet"


@dataclass(frozen=True)
class Deed:
    """An errand as a page shows it. ``result`` is what came of it."""

    errand: Errand

    @property
    def moving(self) -> bool:
        return self.errand.state in OPEN

    @property
    def result(self) -> Mapping[str, Any]:
        return self.errand.result or {}

    @property
    def findings(self) -> Sequence[Mapping[str, str]]:
        """What failed first, then what was not tried."""
        order = ("failed", "untried", "done")
        return sorted(self.result.get("findings", ()), key=lambda each: order.index(each["state"]))


def deed_of(work: Work, kind: str) -> Deed | None:
    """The newest of its kind."""
    row = row_of(work)
    errand = errands.newest(work.session, row.installation_id, [kind]) if row else None
    return Deed(errand) if errand else None


def resource_rows(work: Work, services: Services, found: Iterable[CloudResource]) -> list[ResourceRow]:
    resources = list(found)
    subjects = _subjects(work, services, [each.subject_id for each in resources if each.subject_id])
    return [_row(work, each, subjects.get(each.subject_id or "")) for each in resources]


def in_order_of_deletion(rows: Sequence[ResourceRow]) -> list[ResourceRow]:
    return sorted(rows, key=lambda row: (ORDER.index(row.resource.kind), row.resource.id))


def _row(work: Work, resource: CloudResource, subject: Subject | None) -> ResourceRow:
    usage = BILLED.get(resource.kind)
    running = resource.deleted_at is None and resource.state not in ENDED
    if usage is None or not running:
        return ResourceRow(resource, subject, False, None)
    price = price_of(work, resource.region, resource.instance_type, usage)
    dollars = price.dollars_per_hour * resource.instance_count if price else None
    return ResourceRow(resource, subject, True, dollars)


def _subjects(work: Work, services: Services, ids: Sequence[str]) -> dict[str, Subject]:
    """Each feature tells what its own ids name; those features stand above this one."""
    found: dict[str, Subject] = {}
    for prefix, keeper in services.handlers.keepers.items():
        if wanted := sorted({each for each in ids if each.startswith(f"{prefix}_")}):
            found |= keeper.describe(work, wanted)
    return found


def resource_json(row: ResourceRow) -> dict[str, Any]:
    each = row.resource
    return {
        "id": each.id,
        "kind": each.kind,
        "name": each.name,
        "arn": each.arn,
        "region": each.region,
        "state": row.state,
        "state_at": each.state_at,
        "subject_id": each.subject_id,
        "made_by": row.title,
        "instance_type": each.instance_type or None,
        "instance_count": each.instance_count if each.instance_type else None,
        "bills_by_the_hour": row.bills,
        "dollars_per_hour": row.dollars_per_hour,
        "created_at": each.created_at,
        "deleted_at": each.deleted_at,
        "problem": each.problem,
    }


def deed_json(errand: Errand) -> dict[str, Any]:
    return {
        "id": errand.id,
        "kind": errand.kind.removeprefix("cloud-"),
        "state": errand.state,
        "done": errand.done,
        "total": errand.total,
        "message": errand.message,
        "advice": errand.advice,
        "created_at": errand.created_at,
        "ended_at": errand.ended_at,
        "result": errand.result,
    }
