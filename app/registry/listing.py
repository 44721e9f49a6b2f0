"""What the lists of models and versions show: each version with its figures, and against what is live."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.accounts.queries import actor_names
from app.charts.figure import Figure, Words
from app.charts.lines import Frame, Reference, Series, lines
from app.charts.notation import score
from app.core.addresses import Tab
from app.core.work import Work
from app.keeping.queries import Kept, kept_of, tags_in_use
from app.registry import list_queries, queries
from app.registry.filters import STATUSES, Filters, versions_path
from app.registry.list_queries import ModelRow
from app.registry.tables import Model, ModelVersion, Validity

PAGE = 50
CURVE = 100  # versions; more can't be told apart
TICKS = 8
FIGURE = "versions"


@dataclass(frozen=True)
class Difference:
    """Of the metric from that of the version in service. Two intervals that overlap: may be chance."""

    value: float
    chance: bool


@dataclass(frozen=True)
class VersionRow:
    model: Model
    version: ModelVersion
    author: str
    kept: Kept
    difference: Difference | None

    @property
    def state(self) -> str:
        return state_of(self.version)

    def metric(self, name: str) -> Mapping[str, Any] | None:
        found: Mapping[str, Any] | None = self.version.evaluation.get("metrics", {}).get(name)
        return found


@dataclass(frozen=True)
class ModelLine:
    """A model in the list: ``newest`` says how its newest version stands."""

    row: ModelRow
    kept: Kept
    newest: VersionRow | None

    @property
    def updated_at(self) -> datetime:
        return self.newest.version.created_at if self.newest else self.row.model.created_at


@dataclass(frozen=True)
class ModelView:
    """The page of one model."""

    model: Model
    filters: Filters
    tabs: Sequence[Tab]
    rows: Sequence[VersionRow]
    total: int
    next: int | None
    all: int
    today: ModelVersion | None
    figure: Figure | None
    tags: Sequence[str]

    def url(self, **changes: str) -> str:
        return self.filters.url(versions_path(self.model.name), **changes)


def state_of(version: ModelVersion) -> str:
    return Validity.VOIDED if version.validity == Validity.VOIDED else version.status


def difference(mine: Mapping[str, Any] | None, theirs: Mapping[str, Any] | None) -> Difference | None:
    if not mine or not theirs:
        return None
    apart = mine["low"] > theirs["high"] or theirs["low"] > mine["high"]
    return Difference(mine["value"] - theirs["value"], not apart)


def model_lines(work: Work, rows: Sequence[ModelRow]) -> list[ModelLine]:
    kept = kept_of(work.session, [row.model.id for row in rows])
    newest = [row.newest for row in rows if row.newest]
    names = actor_names(work.session, [version.author_id for version in newest])
    kept_versions = kept_of(work.session, [version.id for version in newest])
    found = []
    for row in rows:
        version, today = row.newest, row.live[0] if row.live else None
        line = _row(row.model, version, today, names, kept_versions) if version else None
        found.append(ModelLine(row, kept[row.model.id], line))
    return found


def _row(
    model: Model,
    version: ModelVersion,
    today: ModelVersion | None,
    names: Mapping[str, str],
    kept: Mapping[str, Kept],
) -> VersionRow:
    source = today.evaluation.get("metrics", {}) if today and today.id != version.id else {}
    change = difference(version.evaluation.get("metrics", {}).get("macro_f1"), source.get("macro_f1"))
    author = names.get(version.author_id, version.author_id)
    return VersionRow(model, version, author, kept[version.id], change)


def version_rows(work: Work, model: Model, versions: Sequence[ModelVersion]) -> list[VersionRow]:
    names = actor_names(work.session, [version.author_id for version in versions])
    kept = kept_of(work.session, [version.id for version in versions])
    today = queries.live_version(work.session, model.id)
    return [_row(model, version, today, names, kept) for version in versions]


def model_view(work: Work, model: Model, filters: Filters, offset: int) -> ModelView:
    found = list_queries.list_versions(work.session, model.id, filters, offset, PAGE)
    counts = list_queries.state_counts(work.session, model.id, filters)
    today = queries.live_version(work.session, model.id)
    curve = list_queries.history_of(work.session, model.id, CURVE)
    return ModelView(
        model=model,
        filters=filters,
        tabs=_tabs(model, filters, counts),
        rows=version_rows(work, model, found.items),
        total=found.total,
        next=found.next,
        all=list_queries.list_versions(work.session, model.id, Filters(), 0, 1).total,
        today=today,
        figure=curve_over(model, curve, today) if len(curve) > 1 else None,
        tags=tags_in_use(work.session, "mv"),
    )


def _tabs(model: Model, filters: Filters, counts: Mapping[str, int]) -> list[Tab]:
    path = versions_path(model.name)
    states = {name: count for name, count in counts.items() if name in STATUSES and name != "live"}
    everything = Tab("All", sum(states.values()), filters.url(path, status=""), not filters.status)
    return [everything] + [
        Tab(word, counts.get(name, 0), filters.url(path, status=name), filters.status == name)
        for name, word in STATUSES.items()
    ]


def curve_over(model: Model, versions: Sequence[ModelVersion], today: ModelVersion | None) -> Figure:
    """Both headline metrics over the version's number; the level of what is live as a dashed line."""
    points = {name: _points(versions, name) for name in ("macro_f1", "accuracy")}
    best = max(points["macro_f1"], key=lambda point: point[1])
    latest = points["macro_f1"][-1]
    finding = (
        f"The newest version, v{latest[0]:.0f}, has the best macro-F1 so far"
        if best == latest
        else f"v{best[0]:.0f} has the best macro-F1, {score(best[1])}; the newest has {score(latest[1])}"
    )
    words = Words(
        finding=finding,
        how=f"{len(versions)} versions, each on its own test split; of other data, not comparable",
        title=f"Metrics of {model.name} over its versions",
        description="; ".join(
            f"v{number:.0f} macro-F1 {score(value)}" for number, value in points["macro_f1"]
        ),
    )
    level = (
        Reference(f"v{today.number}, live", today.evaluation["metrics"]["macro_f1"]["value"])
        if today
        else None
    )
    series = [
        Series("macro-F1", points["macro_f1"], 1, dotted=True),
        Series("accuracy", points["accuracy"], 2, dashed=True, dotted=True),
    ]
    address = f"{versions_path(model.name)}/figures/{FIGURE}.csv"
    return lines(FIGURE, words, series, "version", reference=level, frame=_numbers(versions), csv_url=address)


def _numbers(versions: Sequence[ModelVersion]) -> Frame:
    """From the first version shown to the last, with some of their numbers below: there is no v0.5."""
    numbers = [version.number for version in versions]
    stride = -(-len(numbers) // TICKS)
    ticks = [(float(number), f"v{number}") for number in numbers[::stride]]
    return Frame(x=(float(numbers[0]), float(numbers[-1])), ticks=ticks)


def _points(versions: Sequence[ModelVersion], name: str) -> list[tuple[float, float]]:
    return [(float(each.number), _value(each, name)) for each in versions]


def _value(version: ModelVersion, name: str = "macro_f1") -> float:
    return float(version.evaluation["metrics"][name]["value"])
