"""The filters of the list of runs as they stand in its address, and the address they make."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from sqlalchemy.orm import Session

from app.accounts.queries import user_by_name
from app.core.addresses import Tab, address
from app.core.errors import Invalid
from app.datasets.queries import dataset_by_name, versions_of
from app.runs.queries import CLOSED, SORTS, RunFilter
from app.runs.states import RunStatus

NEWEST = "-launched"
NOBODY = "-"  # no id is a dash: whoever isn't known has launched nothing
TABS = {"running": "Running", "queued": "Queued", "failed": "Failed", CLOSED: "Gate closed"}
TABS |= {"succeeded": "Succeeded", "cancelled": "Cancelled"}


class UnknownOrder(Invalid):
    title = "The list can't be sorted like that"


@dataclass(frozen=True)
class Filters:
    """What the address narrows the list to; empty narrows nothing. ``archived`` shows those instead."""

    status: str = ""
    pipeline: str = ""
    dataset: str = ""
    recipe: str = ""
    by: str = ""
    tag: str = ""
    archived: str = ""
    q: str = ""
    sort: str = ""

    def url(self, path: str = "/runs", **changes: str) -> str:
        """The list's address with these filters; a changed filter starts at the first page again."""
        return address(path, {**self.__dict__, "after": "", **changes})

    @property
    def order(self) -> str:
        if self.sort and self.sort not in SORTS:
            allowed = ", ".join(name for name in SORTS)
            raise UnknownOrder(f"{self.sort[:60]!r} is no order.", f"Use one of: {allowed}.")
        return self.sort or NEWEST

    @property
    def narrowed(self) -> bool:
        return replace(self, sort="") != Filters()

    @property
    def chips(self) -> list[tuple[str, str, str]]:
        """Name, value, and the address without it. The status has its tabs."""
        words = {"dataset": "data set", "q": "search"}
        named = [each.name for each in fields(self) if each.name not in ("status", "sort", "archived")]
        chips = [
            (words.get(name, name), getattr(self, name), self.url(**{name: ""}))
            for name in named
            if getattr(self, name)
        ]
        return [*chips, ("only", "archived", self.url(archived=""))] if self.archived else chips

    def heading(self, column: str) -> tuple[str, str | None]:
        """Where a heading's link leads, and how its column is sorted now: best or newest first, then back."""
        ways = {f"-{column}": "descending", column: "ascending"}
        upwards = self.order == f"-{column}"
        return self.url(sort=column if upwards else f"-{column}"), ways.get(self.order)


def tabs(filters: Filters, counts: Mapping[str, int]) -> list[Tab]:
    everything = Tab("All", sum(counts.values()), filters.url(status=""), not filters.status)
    return [everything] + [
        Tab(word, counts.get(status, 0), filters.url(status=status), filters.status == status)
        for status, word in TABS.items()
    ]


def narrowed(session: Session, filters: Filters) -> RunFilter:
    """A data set or a person that does not exist has no runs; it doesn't mean "all of them"."""
    closed = {CLOSED: True, RunStatus.SUCCEEDED: False}.get(filters.status)
    status = RunStatus.SUCCEEDED if closed else filters.status
    return RunFilter(
        status=status or None,
        closed=closed,
        pipeline=filters.pipeline or None,
        actor_id=_actor(session, filters.by),
        subject_ids=subjects_of(session, filters.dataset) if filters.dataset else None,
        recipe=filters.recipe or None,
        tag=filters.tag or None,
        archived=bool(filters.archived),
        text=filters.q.strip() or None,
    )


def subjects_of(session: Session, dataset: str) -> list[str]:
    found = dataset_by_name(session, dataset)
    return [named.version.id for named in versions_of(session, found.id)] if found else []


def _actor(session: Session, name: str) -> str | None:
    if not name:
        return None
    user = user_by_name(session, name)
    return user.id if user else NOBODY
