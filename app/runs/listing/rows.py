"""The rows of the list of runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup

from app.accounts.queries import actor_names
from app.charts.meter import against
from app.charts.notation import score, signed
from app.charts.track import track
from app.core.pages import duration
from app.core.services import Services
from app.core.work import Work
from app.datasets.queries import NamedVersion, named_versions
from app.keeping.queries import Kept, kept_of
from app.runs import queries, views
from app.runs.folding import Folded, folded
from app.runs.listing import queries as list_queries
from app.runs.listing.queries import Recipe, Usual
from app.runs.queries import RunDetail
from app.runs.run_page import cards
from app.runs.states import LIVE, RUN_ENDS, WORKING, StepState
from app.runs.tables import Run, Step

PAGE = 50
_ROOM = 1.4  # how much longer than the longest usual time a bar has room for


@dataclass(frozen=True)
class RunRow:
    run: Run
    status: str
    active: bool
    by: str
    dataset: NamedVersion | None
    kept: Kept
    track: Markup
    note: str
    seconds: float | None
    usual: Usual | None
    bar: Markup
    macro_f1: str
    measured_on: str  # "val" while the run still goes on
    difference: str
    trend: str  # up, down, or nothing where it may be chance


@dataclass(frozen=True)
class Beside:
    """What the rows of one page share, each gathered by one query."""

    steps: Mapping[str, Sequence[Step]]
    names: Mapping[str, str]
    subjects: Mapping[str, NamedVersion]
    kept: Mapping[str, Kept]
    usual: Mapping[Recipe, Usual]
    scores: Mapping[str, float]

    @property
    def longest(self) -> float:
        return max((each.seconds for each in self.usual.values()), default=1.0) * _ROOM


def rows(work: Work, services: Services, runs: Sequence[Run], now: datetime) -> list[RunRow]:
    beside = _beside(work, services, runs)
    return [_row(run, beside, now) for run in runs]


def _beside(work: Work, services: Services, runs: Sequence[Run]) -> Beside:
    ids = [run.id for run in runs]
    active = [run.id for run in runs if run.status not in RUN_ENDS]
    scores: Mapping[str, float] = {}
    if active:
        with services.works.telemetry_reading() as telemetry:
            scores = list_queries.latest_scores(telemetry.session, active)
    return Beside(
        steps=queries.steps_of_runs(work.session, ids),
        names=actor_names(work.session, [run.actor_id for run in runs]),
        subjects=named_versions(work.session, [run.subject_id for run in runs if run.subject_id]),
        kept=kept_of(work.session, ids),
        usual=list_queries.usual_times(work.session, {(run.pipeline, run.recipe) for run in runs}),
        scores=scores,
    )


def _row(run: Run, beside: Beside, now: datetime) -> RunRow:
    detail = RunDetail(run, beside.steps[run.id], {})
    usual = beside.usual.get((run.pipeline, run.recipe))
    seconds = ((run.finished_at or now) - (run.started_at or run.created_at)).total_seconds()
    measured = (run.figures or {}).get("metrics", {}).get("macro_f1")
    difference = (run.figures or {}).get("difference", {}).get("macro_f1")
    while_running = None if measured else beside.scores.get(run.id)
    return RunRow(
        run=run,
        status=cards.status_of(detail),
        active=run.status not in RUN_ENDS,
        by=beside.names.get(run.actor_id, run.actor_id),
        dataset=beside.subjects.get(run.subject_id or ""),
        kept=beside.kept[run.id],
        track=track((part.state, part.cached) for part in folded(detail.steps)),
        note=note(detail),
        seconds=seconds,
        usual=usual,
        bar=_bar(seconds, usual, beside.longest, run.status not in RUN_ENDS),
        macro_f1=score(measured["value"] if measured else while_running),
        measured_on="val" if while_running is not None else "",
        difference=signed(difference["value"]) if difference else "",
        trend=_trend(difference),
    )


def _bar(seconds: float, usual: Usual | None, longest: float, active: bool) -> Markup:
    if usual is None:
        return Markup()
    many = "run" if usual.n == 1 else "runs"
    said = f"{duration(seconds)}; median of {usual.n} {many}: {duration(usual.seconds)}"
    return against(said, seconds, usual.seconds, longest, running=active)


def _trend(difference: Mapping[str, Any] | None) -> str:
    if not difference or difference["low"] <= 0 <= difference["high"]:
        return ""
    return "up" if difference["value"] > 0 else "down"


def note(detail: RunDetail) -> str:
    """Where the run stands, in a few words beside the track."""
    step = _telling(detail.steps)
    if step is None:
        version = views.model_version_of(detail)
        return f"registered {version['model']} v{version['version']}" if version else ""
    if step.part_of and (part := _part(detail, step.part_of)):
        return f"{part.step.name}, {part.brief}"
    if step.state in WORKING:
        return f"{step.name}{', ' + step.progress['phase'] if step.progress else ''}"
    if step.state == StepState.READY:
        return f"{step.name} waits for a worker"
    if step.kind == "gate" and step.result:
        return str(step.result["reasons"][0])
    return (
        f"{step.name}: {step.last_error}" if step.state == StepState.FAILED else f"{step.name} {step.state}"
    )


def _part(detail: RunDetail, name: str) -> Folded | None:
    return next((part for part in folded(detail.steps) if part.step.name == name), None)


def _telling(steps: Sequence[Step]) -> Step | None:
    """The step that says most about the run: what failed, what runs or waits, the gate that stayed closed."""
    for states in ((StepState.FAILED,), LIVE, (StepState.CANCELLED,)):
        if found := next((step for step in steps if step.state in states), None):
            return found
    return next((s for s in steps if s.kind == "gate" and s.result and not s.result["passed"]), None)
