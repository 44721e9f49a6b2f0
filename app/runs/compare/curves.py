"""The curves of several runs in one figure: a colour a run, training solid, validation dashed."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from app.charts.figure import Figure, Words
from app.charts.lines import Point, Series, lines
from app.charts.notation import score
from app.core.services import Services
from app.core.work import Work
from app.runs import queries
from app.runs.compare.page import COLOURS, Column
from app.runs.listing import queries as list_queries
from app.runs.listing.queries import Reported
from app.runs.tables import Step

POINTS = 60  # of one run: six of them share the width of one figure, and its data table
VALIDATION = ("val", "validation")
NAMES = ("train_loss", *(f"{part}_{name}" for part in VALIDATION for name in ("loss", "macro_f1")))
Curves = Mapping[str, Sequence[Point]]


def figures(work: Work, services: Services, shown: Sequence[Column], address: str) -> list[Figure]:
    """Loss and macro-F1 of the first ``COLOURS`` runs. ``address`` takes a figure's name for its file."""
    drawn = shown[:COLOURS]
    steps = [_reporting(work, one) for one in drawn]
    with services.works.telemetry_reading() as telemetry:
        every = [step for each in steps for step in each]
        points = list_queries.reported(telemetry.session, every, NAMES)
    curves = [_curves(points, each) for each in steps]
    found = (_loss(drawn, curves, address), _quality(drawn, curves, address))
    return [figure for figure in found if figure is not None]


def _reporting(work: Work, one: Column) -> list[Step]:
    """The steps whose reports are the run's: one from the cache reported when it ran, in an earlier run."""
    origins = queries.steps_by_ids(
        work.session, [step.cached_from for step in one.detail.steps if step.cached_from]
    )
    return [origins.get(step.cached_from or "", step) for step in one.detail.steps]


def _curves(points: Sequence[Reported], steps: Sequence[Step]) -> Curves:
    """What the run's own steps reported, by its name."""
    ids = {step.id for step in steps}
    found: dict[str, list[Point]] = defaultdict(list)
    for step_id, name, count, value in points:
        if step_id in ids:
            found[name].append((float(count), value))
    return found


def _validated(curves: Curves, name: str) -> Sequence[Point]:
    return next((curves[f"{part}_{name}"] for part in VALIDATION if f"{part}_{name}" in curves), ())


def _loss(shown: Sequence[Column], curves: Sequence[Curves], address: str) -> Figure | None:
    series: list[Series] = []
    lowest: list[tuple[float, str]] = []
    for one, found in zip(shown, curves, strict=True):
        if trained := found.get("train_loss"):
            series.append(Series(one.name, thinned(trained), one.colour))
        if validated := _validated(found, "loss"):
            series.append(Series(f"{one.name}, validation", validated, one.colour, dashed=True, dotted=True))
            lowest.append((min(value for _, value in validated), one.name))
    if not series:
        return None
    words = Words(
        _said("The lowest validation loss is that of", min(lowest)) if lowest else "Training loss by step",
        _how(shown, curves),
        "Loss by step of each run",
        _told(series),
    )
    return lines("loss", words, series, "step", from_zero=True, csv_url=address.format("loss"))


def _quality(shown: Sequence[Column], curves: Sequence[Curves], address: str) -> Figure | None:
    series: list[Series] = []
    highest: list[tuple[float, str]] = []
    for one, found in zip(shown, curves, strict=True):
        if points := _validated(found, "macro_f1"):
            series.append(Series(one.name, points, one.colour, dashed=True, dotted=True))
            highest.append((max(value for _, value in points), one.name))
    if not series:
        return None
    words = Words(
        _said("The highest macro-F1 on the validation part is that of", max(highest)),
        "measured on the validation part while training; the table above is measured on the test part",
        "Macro-F1 on the validation part by step",
        _told(series),
    )
    return lines("macro-f1", words, series, "step", csv_url=address.format("macro-f1"))


def _said(words: str, value: tuple[float, str]) -> str:
    return f"{words} {value[1]}, {score(value[0])}"


def _how(shown: Sequence[Column], curves: Sequence[Curves]) -> str:
    silent = [one.name for one, found in zip(shown, curves, strict=True) if not found]
    said = "training solid, validation dashed"
    return f"{said}; {', '.join(silent)} reported none" if silent else said


def _told(series: Sequence[Series]) -> str:
    return "; ".join(f"{one.label} ends at {score(one.points[-1][1])}" for one in series) + "."


def thinned(points: Sequence[Point]) -> Sequence[Point]:
    """Evenly, with the last one."""
    stride = -(-len(points) // POINTS)
    return [*points[:-1:stride], points[-1]]
