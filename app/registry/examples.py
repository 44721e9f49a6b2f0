"""All reviews whose answer a version changes, a page at a time and as a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from app.core.errors import Conflict, NotFound
from app.core.lists import Column
from app.core.services import Services
from app.registry import comparison, queries
from app.registry.briefing import label_names
from app.registry.comparison import Example, Group
from app.registry.queries import NamedVersion
from app.registry.service import get_version
from app.registry.tables import ModelVersion

PAGE = 50
FILE_LIMIT = 10_000
CHANGED = ("gained", "lost", "other")
ALONE = ("wrong", "right")


class ExamplesUnreadable(Conflict):
    title = "The examples can’t be read"


@dataclass(frozen=True)
class ExamplesPage:
    named: NamedVersion
    today: ModelVersion | None
    kind: str
    group: Group
    offset: int
    compared: bool

    @property
    def kinds(self) -> Sequence[str]:
        return CHANGED if self.compared else ALONE

    @property
    def names(self) -> Mapping[str, str]:
        return label_names(self.named.version, self.today)

    @property
    def next_offset(self) -> int | None:
        following = self.offset + PAGE
        return following if following < self.group.total else None


def examples_page(
    services: Services, version_id: str, kind: str, offset: int, limit: int = PAGE
) -> ExamplesPage:
    with services.works.reading() as work:
        named = get_version(work, version_id)
        today = queries.live_version(work.session, named.model.id, named.version.id)
    try:
        compared = comparison.is_paired(services.storage, named.version, today)
        kinds = CHANGED if compared else ALONE
        wanted = kind if kind in kinds else kinds[0]
        group = comparison.rows_of(services.storage, named.version, today, wanted, offset, limit)
    except (pa.ArrowException, OSError, NotFound):
        raise ExamplesUnreadable(
            "The file with the answers to the test reviews is missing or has changed.",
            "Restore it from a backup, or run the pipeline again.",
        ) from None
    return ExamplesPage(named, today, wanted, group, offset, compared)


COLUMNS: Sequence[Column[Example]] = (
    Column("review_id", lambda row: row.review_id),
    Column("title", lambda row: row.title),
    Column("text", lambda row: row.text),
    Column("label", lambda row: row.label),
    Column("today", lambda row: row.today),
    Column("predicted", lambda row: row.predicted),
    Column("probability", lambda row: row.sure),
)
