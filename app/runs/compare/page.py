"""Runs beside each other: their figures, each with its difference to the first run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.charts.notation import interval, score, signed, signed_interval
from app.core.services import Services
from app.core.work import Work
from app.datasets.queries import NamedVersion, named_versions
from app.runs import queries, views
from app.runs.compare import predictions
from app.runs.compare.predictions import Paired
from app.runs.queries import RunDetail
from app.runs.run_page import cards
from app.runs.tables import Run
from ml.data.labels import display_name
from ml.evaluation.intervals import Figure

LIMIT = 8
COLOURS = 6  # there are no more that can be told apart
HEADLINE = (
    ("macro_f1", "Macro-F1", True),
    ("accuracy", "Accuracy", True),
    ("ece", "Calibration error", False),
)


@dataclass(frozen=True)
class Chosen:
    """What the address asks for: at most ``LIMIT`` runs in its order, and what of it could not be had."""

    details: Sequence[RunDetail]
    unknown: Sequence[str]
    left_out: int

    @property
    def numbers(self) -> list[str]:
        return [str(each.run.number) for each in self.details]

    def url(self, numbers: Sequence[str], rest: str = "") -> str:
        return f"/runs/compare?ids={','.join(numbers)}{rest}"

    def without(self, run: Run) -> str:
        return self.url([number for number in self.numbers if number != str(run.number)])

    def first(self, run: Run) -> str:
        others = [number for number in self.numbers if number != str(run.number)]
        return self.url([str(run.number), *others])


@dataclass(frozen=True)
class Column:
    """One run. ``paired`` compares its answers with the first run's, where both have left them."""

    detail: RunDetail
    status: str
    dataset: NamedVersion | None
    colour: int
    evaluation: Mapping[str, Any] | None
    paired: Paired | None

    @property
    def run(self) -> Run:
        return self.detail.run

    @property
    def name(self) -> str:
        return f"#{self.run.number} {self.run.recipe or self.run.pipeline}"

    @property
    def comparable(self) -> bool:
        """Measured on the same reviews as the first: only then can one be called the best."""
        return self.paired is not None and self.paired.same


@dataclass(frozen=True)
class Cell:
    """``difference`` is to the first run; ``trend`` is up, down, or nothing where it may be chance."""

    value: float | None
    low: float | None
    high: float | None
    n: int | None
    best: bool
    difference: Figure | None
    trend: str

    @property
    def shown(self) -> str:
        return score(self.value)

    @property
    def interval(self) -> str:
        return interval(self.low, self.high)

    @property
    def shown_difference(self) -> str:
        return signed(self.difference.value) if self.difference else ""

    @property
    def difference_interval(self) -> str:
        return signed_interval(self.difference.low, self.difference.high) if self.difference else ""


@dataclass(frozen=True)
class MetricRow:
    name: str
    label: str
    cells: Sequence[Cell]


def chosen(work: Work, asked: Sequence[str]) -> Chosen:
    """``asked`` holds ids or numbers, also several with commas between them."""
    names = [name.strip().removeprefix("#") for each in asked for name in each.split(",") if name.strip()]
    found = {name: queries.run_by_id(work.session, name) for name in dict.fromkeys(names)}
    runs = list({run.id: run for run in found.values() if run}.values())
    details = [_detail(work, run) for run in runs[:LIMIT]]
    unknown = [name for name, run in found.items() if run is None]
    return Chosen(details, unknown, max(0, len(runs) - LIMIT))


def _detail(work: Work, run: Run) -> RunDetail:
    detail = queries.run_detail(work.session, run.id)
    assert detail is not None, "it was found a moment ago"
    return detail


def columns(work: Work, services: Services, details: Sequence[RunDetail]) -> list[Column]:
    subjects = named_versions(work.session, [each.run.subject_id for each in details if each.run.subject_id])
    answers = [predictions.predictions(services.storage, each.steps) for each in details]
    first = answers[0] if answers else None
    return [
        Column(
            detail,
            cards.status_of(detail),
            subjects.get(detail.run.subject_id or ""),
            place % COLOURS + 1,
            views.evaluation_of(services.storage, detail),
            predictions.paired(first, mine) if first is not None and mine is not None else None,
        )
        for place, (detail, mine) in enumerate(zip(details, answers, strict=True))
    ]


def metric_rows(shown: Sequence[Column]) -> list[MetricRow]:
    labels = list(dict.fromkeys(label for one in shown for label in (one.evaluation or {}).get("labels", ())))
    rows = [_row(shown, name, label, (name,), high=high) for name, label, high in HEADLINE]
    rows += [
        _row(shown, label, f"F1 {display_name(label, labels)}", ("per_class", label, "f1"), high=True)
        for label in labels
    ]
    return [row for row in rows if any(cell.value is not None for cell in row.cells)]


def _row(shown: Sequence[Column], name: str, label: str, path: Sequence[str], *, high: bool) -> MetricRow:
    figures = [_figure(one.evaluation, path) for one in shown]
    rivals = [f["value"] for f, one in zip(figures, shown, strict=True) if f and one.comparable]
    best = (max if high else min)(rivals) if len(set(rivals)) > 1 else None  # all alike: none is best
    cells = [
        _cell(one, figure, name, best, place)
        for place, (one, figure) in enumerate(zip(shown, figures, strict=True))
    ]
    return MetricRow(name, label, cells)


def _cell(one: Column, figure: Mapping[str, Any] | None, name: str, best: float | None, place: int) -> Cell:
    difference = one.paired.differences.get(name) if one.paired and place else None
    found = figure or {}
    value = found.get("value")
    return Cell(
        value,
        found.get("low"),
        found.get("high"),
        found.get("n"),
        best is not None and value == best and one.comparable,
        difference,
        _trend(difference),
    )


def _figure(evaluation: Mapping[str, Any] | None, path: Sequence[str]) -> Mapping[str, Any] | None:
    found: Any = (evaluation or {}).get("metrics")
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) and isinstance(found.get("value"), int | float) else None


def _trend(difference: Figure | None) -> str:
    if difference is None or difference.low <= 0 <= difference.high:
        return ""
    return "up" if difference.value > 0 else "down"


def warnings(shown: Sequence[Column]) -> list[str]:
    """Where figures can't simply be set side by side, and why."""
    said = []
    for one in shown[1:]:
        first, mine = shown[0], one.paired
        if mine is None or mine.same:
            continue
        if not mine.differences:
            said.append(
                f"{one.name} was tested on other reviews than {first.name}: {mine.others:,} and {mine.n:,}, "
                f"{mine.common:,} of them the same. Their figures can't be compared."
            )
        else:
            said.append(
                f"{one.name} and {first.name} were not tested on the same reviews: {mine.others:,} and "
                f"{mine.n:,}. Differences are measured on the {mine.common:,} that both have."
            )
    return said


def best_in_words(rows: Sequence[MetricRow], shown: Sequence[Column]) -> str:
    """The finding above the table, by macro-F1."""
    row = next((row for row in rows if row.name == "macro_f1"), None)
    best = next((place for place, cell in enumerate(row.cells) if cell.best), None) if row else None
    if row is None or best is None:
        return ""
    cell, name = row.cells[best], shown[best].name
    if best == 0:
        sure = [shown[n].name for n, other in enumerate(row.cells) if other.trend == "down"]
        return f"{name} has the highest macro-F1, {cell.shown}" + (
            f"; surely higher than {' and '.join(sure)}." if sure else "; by how much may be chance."
        )
    chance = "" if cell.trend else ", which may be chance"
    return (
        f"{name} has the highest macro-F1, {cell.shown}: {cell.shown_difference} to {shown[0].name}{chance}."
    )
