"""What the lists of models and of a model's versions can be narrowed to, as it stands in their address."""

from dataclasses import dataclass, fields, replace
from urllib.parse import quote

from app.core.addresses import address
from app.core.errors import Invalid
from app.registry.tables import ApprovalStatus, Validity

LIVE = "live"
STATUSES = {
    ApprovalStatus.PENDING: "Pending",
    ApprovalStatus.APPROVED: "Approved",
    ApprovalStatus.REJECTED: "Rejected",
    Validity.VOIDED: "Voided",
    LIVE: "Live",
}
MODEL_SORTS = ("name", "-updated")
VERSION_SORTS = ("-version", "-macro_f1", "-accuracy")


class UnknownFilter(Invalid):
    title = "The list can't be narrowed like that"


@dataclass(frozen=True)
class Filters:
    """Empty narrows nothing. ``archived`` shows those instead of the others."""

    q: str = ""
    status: str = ""
    tag: str = ""
    archived: str = ""
    sort: str = ""

    def url(self, path: str = "/models", **changes: str) -> str:
        """The list's address with these filters; a changed filter starts at the first page again."""
        return address(path, {**self.__dict__, **changes})

    def order(self, sorts: tuple[str, ...]) -> str:
        if self.sort and self.sort not in sorts:
            raise UnknownFilter(f"{self.sort[:60]!r} is no order.", f"Use one of: {', '.join(sorts)}.")
        return self.sort or sorts[0]

    def known_status(self) -> str:
        if self.status and self.status not in STATUSES:
            known = ", ".join(STATUSES)
            raise UnknownFilter(f"{self.status[:60]!r} is no status.", f"Use one of: {known}.")
        return self.status

    @property
    def narrowed(self) -> bool:
        return replace(self, sort="") != Filters()

    @property
    def chips(self) -> list[tuple[str, str, str]]:
        """Field, value, and the filters without it; the status has its tabs."""
        shown = [each.name for each in fields(self) if each.name in ("q", "tag")]
        chips = [(name, getattr(self, name), name) for name in shown if getattr(self, name)]
        return [*chips, ("only", "archived", "archived")] if self.archived else chips


def versions_path(model: str) -> str:
    return f"/models/{quote(model)}"
