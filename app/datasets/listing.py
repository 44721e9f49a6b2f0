"""The list of data sets, as a page and as a file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode

from markupsafe import Markup

from app.accounts.queries import actor_names
from app.charts.bars import balance
from app.core.lists import Column
from app.core.work import Work
from app.datasets import queries, views
from app.datasets.queries import DatasetFilter, NamedVersion, Order
from app.datasets.rows import start_of
from app.datasets.tables import Upload, VersionStatus
from app.keeping.queries import Kept, kept_of, tags_in_use

PER_PAGE = 50


@dataclass(frozen=True)
class Asked:
    """What the address chooses. ``start`` is how many data sets stand before the page."""

    narrowed: DatasetFilter
    order: Order
    start: int

    def query(self, **changed: object) -> str:
        """The address with some of it changed; a change of anything but the page begins at the first one."""
        now = {
            "q": self.narrowed.text,
            "tag": self.narrowed.tag,
            "archived": "1" if self.narrowed.archived else "",
            "sort": "" if self.order is Order.UPDATED else self.order.value,
        }
        return urlencode({key: value for key, value in {**now, **changed}.items() if value})

    @property
    def narrows(self) -> bool:
        return self.narrowed != DatasetFilter()


def asked_of(query: Mapping[str, str]) -> Asked:
    """Addresses that are written by hand or out of date mean the usual list rather than an error."""
    order = query.get("sort", "")
    known = Order(order) if order in {each.value for each in Order} else Order.UPDATED
    text, tag = query.get("q", "").strip()[:200], query.get("tag", "").strip()[:60]
    narrowed = DatasetFilter(text, tag, query.get("archived") == "1")
    return Asked(narrowed, known, start_of(query.get("after")))


@dataclass(frozen=True)
class ListRow:
    named: NamedVersion
    balance: Markup
    kept: Kept
    by: str

    @property
    def updated(self) -> datetime:
        return self.named.version.finished_at or self.named.version.created_at


@dataclass(frozen=True)
class ListPage:
    asked: Asked
    rows: Sequence[ListRow]
    total: int
    tags: Sequence[str]
    waiting: Sequence[Upload]

    @property
    def live(self) -> bool:
        return any(row.named.version.status == VersionStatus.IMPORTING for row in self.rows)

    @property
    def next_url(self) -> str:
        end = self.asked.start + len(self.rows)
        return f"?{self.asked.query(after=end)}" if end < self.total else ""


def list_page(work: Work, asked: Asked, may_edit: bool) -> ListPage:
    found = queries.find_datasets(work.session, asked.narrowed, asked.order, asked.start, PER_PAGE)
    return ListPage(
        asked,
        _rows(work, found),
        queries.count_datasets(work.session, asked.narrowed),
        tags_in_use(work.session, "ds", 12),
        queries.waiting_uploads(work.session) if may_edit else [],
    )


def _rows(work: Work, found: Sequence[NamedVersion]) -> list[ListRow]:
    kept = kept_of(work.session, [named.dataset.id for named in found])
    names = actor_names(work.session, {named.version.created_by for named in found})
    return [
        ListRow(
            named,
            balance(views.balance_of(named)),
            kept[named.dataset.id],
            names.get(named.version.created_by, named.version.created_by),
        )
        for named in found
    ]


def all_rows(work: Work, asked: Asked) -> Iterator[ListRow]:
    """Of every page."""
    while True:
        found = queries.find_datasets(work.session, asked.narrowed, asked.order, asked.start, 500)
        yield from _rows(work, found)
        if len(found) < 500:
            return
        asked = replace(asked, start=asked.start + 500)


COLUMNS: Sequence[Column[ListRow]] = (
    Column("id", lambda row: row.named.dataset.id),
    Column("name", lambda row: row.named.dataset.name),
    Column("version", lambda row: row.named.version.number),
    Column("status", lambda row: row.named.version.status),
    Column("rows", lambda row: row.named.version.rows),
    Column("rejected", lambda row: row.named.version.rejected),
    Column("label_counts", lambda row: row.named.version.facts.get("label_counts")),
    Column("tags", lambda row: list(row.kept.tags)),
    Column("updated_at", lambda row: row.updated),
    Column("created_by", lambda row: row.by),
)
