"""The figures of a run's page: its attempts on one clock, and the curves that its steps reported."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from app.charts.figure import Figure, Words
from app.charts.gantt import EXPECTED, Span, gantt
from app.charts.lines import Point, Series, lines
from app.charts.notation import plain, score
from app.core.pages import duration
from app.runs.folding import Folded, folded
from app.runs.queries import RunDetail
from app.runs.run_page.pace import Expected
from app.runs.states import AttemptStatus
from app.runs.tables import Attempt, MetricPoint, Step

_TRAIN = ("train",)
_VALIDATION = ("val", "validation")
_QUALITY = {"accuracy": ("accuracy", 3), "macro_f1": ("macro-F1", 2), "f1": ("F1", 1)}
_LOST = (AttemptStatus.LOST, AttemptStatus.FAILED)
_WORST_FIRST = (AttemptStatus.RUNNING, *_LOST, AttemptStatus.CANCELLED, AttemptStatus.RELEASED)
SHARDS_DRAWN = 8  # each on a line of its own; more are one bar


def timeline(
    detail: RunDetail, now: datetime, expected: Sequence[Expected] = (), *, every: bool = False
) -> Figure | None:
    """None before the first attempt: there is nothing to place on a clock. Many shards are drawn as one,
    unless ``every`` attempt is asked for."""
    tried = [(step, attempt) for step in detail.steps for attempt in detail.attempts[step.id]]
    if not tried:
        return None
    spans = [span for part in folded(detail.steps) for span in _spans(detail, part, now, every)]
    for name, start, end in expected:
        took = f"about {duration((end - start).total_seconds())}"
        spans.append(Span(name, start, end, EXPECTED, took))
    said = "; ".join(f"{span.label} {span.state}, {span.shown}" for span in spans)
    words = Words(
        _spent(tried, now),
        "start and duration of each attempt, UTC" + ("; hollow is expected" if expected else ""),
        f"Attempts of run {detail.run.number}",
        said,
    )
    return gantt("attempts", words, spans, now, csv_url=f"/runs/{detail.run.id}/figures/attempts.csv")


def _spans(detail: RunDetail, part: Folded, now: datetime, every: bool) -> list[Span]:
    if every or len(part.shards) <= SHARDS_DRAWN:
        return [_span(detail, step, each, now) for step in part.all for each in detail.attempts[step.id]]
    merging = [_span(detail, part.step, attempt, now) for attempt in detail.attempts[part.step.id]]
    together = _together(part, [detail.attempts[shard.id] for shard in part.shards], now)
    return [*together, *merging]


def _together(part: Folded, attempts: Sequence[Sequence[Attempt]], now: datetime) -> list[Span]:
    """From the first start of any shard to the last end, in the state of the worst."""
    tried = [each for each in attempts if each]
    if not tried:
        return []
    start = min(attempt.started_at for each in tried for attempt in each)
    ends = [attempt.finished_at for each in tried for attempt in each]
    known = [end for end in ends if end is not None]
    end = max(known) if len(known) == len(ends) else None
    last = {each[-1].status for each in tried}
    state = next((status for status in _WORST_FIRST if status in last), AttemptStatus.SUCCEEDED)
    shown = f"{duration(((end or now) - start).total_seconds())}, {part.words}"
    return [Span(f"{part.step.name} × {len(part.shards)}", start, end, state, shown)]


def _span(detail: RunDetail, step: Step, attempt: Attempt, now: datetime) -> Span:
    again = len(detail.attempts[step.id]) > 1
    label = f"{step.name} {attempt.number}" if again else step.name
    return Span(label, attempt.started_at, attempt.finished_at, attempt.status, duration(_took(attempt, now)))


def _took(attempt: Attempt, now: datetime) -> float:
    return max(0.0, ((attempt.finished_at or now) - attempt.started_at).total_seconds())


def _spent(tried: Iterable[tuple[Step, Attempt]], now: datetime) -> str:
    """The finding: where the time went, or what repeating has cost."""
    spent: dict[str, float] = defaultdict(float)
    wasted = 0.0
    for step, attempt in tried:
        spent[step.part_of or step.name] += _took(attempt, now)
        wasted += _took(attempt, now) if attempt.status in _LOST else 0.0
    if wasted:
        return f"Attempts that did not succeed cost {duration(wasted)}"
    longest = max(spent, key=lambda name: spent[name])
    running = (step for step, attempt in tried if attempt.finished_at is None and not step.part_of)
    if any(step.name == longest for step in running):
        return f"{longest} has been running for {duration(spent[longest])}"
    part = spent[longest] / (sum(spent.values()) or 1)
    return f"{longest} took {duration(spent[longest])}, {part * 100:.0f} % of the working time"


def curves(points: Sequence[MetricPoint], address: str = "", query: str = "") -> list[Figure]:
    """Loss, and what is measured on the validation part; nothing for a step that reports neither.

    ``address`` and ``query`` lead to the numbers of a figure: ``address`` + ``loss.csv`` + ``query``.

    The best epoch is chosen by macro-F1, so both figures mark that one, not the lowest loss.
    """
    by_name: dict[str, list[Point]] = defaultdict(list)
    for point in points:
        by_name[point.name].append((float(point.step), point.value))
    scores = _named(by_name, _VALIDATION, "macro_f1")
    kept = max(scores, key=lambda point: point[1])[0] if scores else None
    urls = {name: f"{address}{name}.csv{query}" if address else "" for name in ("loss", "quality")}
    drawn = (_loss(by_name, kept, urls["loss"]), _quality(by_name, kept, urls["quality"]))
    return [figure for figure in drawn if figure is not None]


def _loss(by_name: Mapping[str, Sequence[Point]], kept: float | None, csv_url: str) -> Figure | None:
    train = _named(by_name, _TRAIN, "loss")
    validation = _named(by_name, _VALIDATION, "loss")
    series = []
    if train:
        series.append(Series("train", train, 1))
    if validation:
        series.append(
            Series("validation", validation, 2, dashed=True, dotted=True, best=_at(validation, kept))
        )
    if not series:
        return None
    how = _measured(series) + ("; kept is the epoch with the best macro-F1" if kept else "")
    words = Words(_loss_finding(train, validation), how, "Loss by step", _told(series))
    return lines("loss", words, series, "step", from_zero=True, csv_url=csv_url)


def _loss_finding(train: Sequence[Point], validation: Sequence[Point]) -> str:
    if not validation:
        return f"Train loss went from {score(train[0][1])} to {score(train[-1][1])}"
    step, value = min(validation, key=lambda point: point[1])
    if step == validation[-1][0]:
        return f"Validation loss is at its lowest, {score(value)}, at the latest measurement"
    return f"Validation loss was lowest at step {plain(step)}: {score(value)}"


def _quality(by_name: Mapping[str, Sequence[Point]], kept: float | None, csv_url: str) -> Figure | None:
    series = []
    for name, (label, colour) in _QUALITY.items():
        if points := _named(by_name, _VALIDATION, name):
            best = _at(points, kept) if name == "macro_f1" else None
            series.append(Series(label, points, colour, dashed=colour == 2, dotted=True, best=best))
    if not series:
        return None
    last = " and ".join(f"{one.label} {score(one.points[-1][1])}" for one in series)
    at = plain(series[0].points[-1][0])
    words = Words(
        f"At step {at}: {last}",
        f"validation; {_measured(series)}",
        "Validation metrics by step",
        _told(series),
    )
    return lines("quality", words, series, "step", csv_url=csv_url)


def _named(by_name: Mapping[str, Sequence[Point]], prefixes: Sequence[str], name: str) -> list[Point]:
    return [point for prefix in prefixes for point in by_name.get(f"{prefix}_{name}", ())]


def _at(points: Sequence[Point], step: float | None) -> Point | None:
    return next((point for point in points if point[0] == step), None)


def _measured(series: Sequence[Series]) -> str:
    return ", ".join(f"{one.label} at {len(one.points):,} step{_s(len(one.points))}" for one in series)


def _told(series: Sequence[Series]) -> str:
    ends = []
    for one in series:
        (_, first), (step, last) = one.points[0], one.points[-1]
        ends.append(f"{one.label} from {score(first)} to {score(last)} at step {plain(step)}")
    return "; ".join(ends) + "."


def _s(count: int) -> str:
    return "" if count == 1 else "s"
