"""A version's page: what its facts can show. Nothing here reads the whole data set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.accounts.queries import actor_names
from app.charts.figure import Figure
from app.core.services import Services, Standing
from app.core.work import Work
from app.datasets import contents, queries, views
from app.datasets.aws.page import VersionInAws, in_aws
from app.datasets.contents import Example
from app.datasets.figures import figures_of
from app.datasets.queries import NamedVersion
from app.datasets.rows import Asked, Found, find_rows
from app.datasets.tables import VersionStatus
from app.keeping.view import Panel, panel_of
from ml.data.labels import display_name

SAMPLE_ROWS = 8


@dataclass(frozen=True)
class Change:
    """A version with what it has more or fewer than the one before it that has rows."""

    named: NamedVersion
    rows: int | None = None
    labels: Sequence[tuple[str, int]] = ()


@dataclass(frozen=True)
class Reason:
    """Why rows were rejected, how many, and the first few of them."""

    text: str
    count: int
    examples: Sequence[Example]


@dataclass(frozen=True)
class VersionPage:
    named: NamedVersion
    changes: Sequence[Change]
    same_content: Sequence[NamedVersion]
    names: Mapping[str, str]
    figures: Mapping[str, Figure]
    rows: Sequence[Mapping[str, Any]]
    reasons: Sequence[Reason]
    standing: Standing | None
    panel: Panel
    aws: VersionInAws

    @property
    def address(self) -> str:
        return address_of(self.named)

    @property
    def warnings(self) -> list[str]:
        """What reading found. How many rows were rejected is told by the page itself."""
        found: list[str] = self.named.version.facts.get("warnings") or []
        return [warning for warning in found if "of the rows were rejected" not in warning]

    @property
    def readable(self) -> bool:
        """Whether there are rows to look at."""
        return bool(self.named.version.tree_sha256) and self.named.version.rows is not None


def address_of(named: NamedVersion) -> str:
    return f"/datasets/{named.dataset.id}/v/{named.version.number}"


def version_page(work: Work, services: Services, named: NamedVersion) -> VersionPage:
    version = named.version
    people = {version.created_by, version.confirmed_by or "", version.deleted_by or ""}
    return VersionPage(
        named=named,
        changes=changes(queries.versions_of(work.session, named.dataset.id)),
        same_content=queries.same_content(work.session, version),
        names=actor_names(work.session, people),
        figures=figures_of(named, address_of(named)),
        rows=shown_rows(named, find_rows(services.storage, version, Asked(), SAMPLE_ROWS)),
        reasons=reasons(services, named),
        standing=services.launcher.standing(work, version.run_id) if version.run_id else None,
        panel=panel_of(work, services, version.id),
        aws=in_aws(work, services, version.id),
    )


def shown_rows(named: NamedVersion, found: Found) -> list[dict[str, Any]]:
    labels = named.version.facts.get("labels") or []
    return [{**row, "shown": display_name(row["label"], labels)} for row in found.items]


def reasons(services: Services, named: NamedVersion) -> list[Reason]:
    """With examples only where somebody has to decide on them."""
    counted: Mapping[str, int] = named.version.facts.get("reject_reasons") or {}
    asked = named.version.status == VersionStatus.NEEDS_CONFIRMATION
    found = contents.examples(services.storage, named.version) if asked else {}
    return [Reason(text, count, found.get(text, [])) for text, count in counted.items()]


def changes(versions: Sequence[NamedVersion]) -> list[Change]:
    """Newest first, as they are given."""
    made: list[Change] = []
    for place, named in enumerate(versions):
        before = next((each for each in versions[place + 1 :] if each.version.rows is not None), None)
        made.append(_change(named, before))
    return made


def _change(named: NamedVersion, before: NamedVersion | None) -> Change:
    if before is None or named.version.rows is None:
        return Change(named)
    rows = named.version.rows - (before.version.rows or 0)
    was = dict(views.balance_of(before))
    labels = [(label, count - was.get(label, 0)) for label, count in views.balance_of(named)]
    return Change(named, rows, [(label, count) for label, count in labels if count])
