"""The rows of the list of runs, and the addresses of its filters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup

from app.accounts.queries import actor_names
from app.charts.notation import score, signed
from app.charts.track import track
from app.core.services import Services
from app.core.work import Work
from app.datasets.queries import NamedVersion, named_versions
from app.runs import cards, queries, views
from app.runs.queries import RunDetail
from app.runs.states import RunStatus, StepState
from app.runs.tables import Run, Step

PAGE = 50
_ACTIVE = (StepState.LEASED, StepState.READY)


@dataclass(frozen=True)
class Filters:
    """What the address narrows the list to; empty narrows nothing."""

    status: str = ""
    pipeline: str = ""
    dataset: str = ""
    recipe: str = ""
    q: str = ""

    def url(self, **changes: str) -> str:
        """The list's address with these filters; a changed filter starts at the newest again."""
        values = {**replace(self, **{k: v for k, v in changes.items() if k != "after"}).__dict__}
        values["after"] = changes.get("after", "")
        query = urlencode({name: value for name, value in values.items() if value})
        return f"/runs?{query}" if query else "/runs"

    @property
    def narrowed(self) -> bool:
        return self != Filters()

    @property
    def chips(self) -> list[tuple[str, str, str]]:
        """Name, value, and the address without it. The status has its tabs."""
        named = [("pipeline", self.pipeline), ("data set", self.dataset), ("recipe", self.recipe)]
        chips = [(name, value, self.url(**{name.replace(" ", ""): ""})) for name, value in named if value]
        return [*chips, ("search", self.q, self.url(q=""))] if self.q else chips


@dataclass(frozen=True)
class Tab:
    word: str
    count: int
    url: str
    current: bool


@dataclass(frozen=True)
class RunRow:
    run: Run
    status: str
    by: str
    dataset: NamedVersion | None
    track: Markup
    note: str
    seconds: float | None
    macro_f1: str
    difference: str
    trend: str  # up, down, or nothing where it may be chance


def tabs(filters: Filters, counts: Mapping[str, int]) -> list[Tab]:
    everything = Tab("All", sum(counts.values()), filters.url(status=""), not filters.status)
    return [everything] + [
        Tab(status.capitalize(), counts.get(status, 0), filters.url(status=status), filters.status == status)
        for status in RunStatus
    ]


def rows(work: Work, services: Services, runs: Sequence[Run], now: datetime) -> list[RunRow]:
    steps = queries.steps_of_runs(work.session, [run.id for run in runs])
    names = actor_names(work.session, [run.actor_id for run in runs])
    subjects = named_versions(work.session, [run.subject_id for run in runs if run.subject_id])
    return [
        _row(
            services,
            RunDetail(run, steps[run.id], {}),
            names.get(run.actor_id, run.actor_id),
            subjects.get(run.subject_id or ""),
            now,
        )
        for run in runs
    ]


def _row(
    services: Services, detail: RunDetail, by: str, dataset: NamedVersion | None, now: datetime
) -> RunRow:
    run = detail.run
    started = run.started_at or run.created_at
    evaluation = views.evaluation_of(services.storage, detail) if run.status == RunStatus.SUCCEEDED else None
    difference = (evaluation or {}).get("difference", {}).get("macro_f1")
    return RunRow(
        run=run,
        status=cards.status_of(detail),
        by=by,
        dataset=dataset,
        track=track((step.state, step.cached) for step in detail.steps),
        note=note(detail),
        seconds=((run.finished_at or now) - started).total_seconds(),
        macro_f1=score(evaluation["metrics"]["macro_f1"]["value"]) if evaluation else "–",
        difference=signed(difference["value"]) if difference else "",
        trend=_trend(difference),
    )


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
    if step.state == StepState.LEASED:
        return f"{step.name}{', ' + step.progress['phase'] if step.progress else ''}"
    if step.state == StepState.READY:
        return f"{step.name} waits for a worker"
    if step.kind == "gate" and step.result:
        return str(step.result["reasons"][0])
    return (
        f"{step.name}: {step.last_error}" if step.state == StepState.FAILED else f"{step.name} {step.state}"
    )


def _telling(steps: Sequence[Step]) -> Step | None:
    """The step that says most about the run: what failed, what runs or waits, the gate that stayed closed."""
    for states in ((StepState.FAILED,), _ACTIVE, (StepState.CANCELLED,)):
        if found := next((step for step in steps if step.state in states), None):
            return found
    return next((s for s in steps if s.kind == "gate" and s.result and not s.result["passed"]), None)
