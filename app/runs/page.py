"""The page of one run, gathered: rows from both databases, files from the storage, figures drawn of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup

from app.accounts.queries import actor_names
from app.core.services import Services
from app.core.work import Work
from app.datasets.queries import NamedVersion, version_by_id
from app.runs import cards, curves, queries, results, service, views
from app.runs.queries import LogLine, RunDetail
from app.runs.states import RUN_ENDS, RunStatus
from app.runs.tables import Attempt, Run, Step
from ml.pipeline.catalogue import PIPELINES
from ml.pipeline.definition import Recipe

TAIL = 200  # lines of a log that are shown at first
WINDOW = 1000  # and when somebody reads it from a given line
FAILURE_TAIL = 20


@dataclass(frozen=True)
class Asked:
    """What the address chooses: a step, one of its attempts, and the first line of its log."""

    step: str | None = None
    attempt: int | None = None
    line: int | None = None


@dataclass(frozen=True)
class Log:
    lines: Sequence[LogLine]
    total: int

    @property
    def first(self) -> int:
        return self.lines[0].number if self.lines else 0

    @property
    def last(self) -> int:
        return self.lines[-1].number if self.lines else 0


@dataclass(frozen=True)
class Failure:
    step: str
    message: str
    advice: str
    tail: Sequence[LogLine]


@dataclass(frozen=True)
class RunPage:
    """``chosen`` is the step whose curves, attempts and log are shown, ``attempt`` the one of its tries."""

    run: Run
    detail: RunDetail
    status: str
    live: bool
    launchable: bool
    retriable: bool
    retry_from: str
    by: str
    dataset: NamedVersion | None
    facts: Sequence[cards.Fact]
    cards: Sequence[cards.StepCard]
    chosen: Step
    attempt: Attempt | None
    attempts: Sequence[Attempt]
    failure: Failure | None
    lost: Sequence[tuple[Step, Attempt]]
    unserved: str | None
    timeline: Markup | None
    curves: Sequence[Markup]
    log: Log
    gate: Mapping[str, Any] | None
    gate_rows: Sequence[results.GateRow]
    measured_by: str | None  # the step that left the evaluation
    model_version: Mapping[str, Any] | None
    parameters: Sequence[results.ParameterRow]
    recipe: Recipe | None
    artifacts: Sequence[results.StepFiles]


def run_page(work: Work, services: Services, run_id: str, asked: Asked, now: datetime) -> RunPage:
    detail = service.get_run(work, run_id)
    run = detail.run
    chosen = cards.chosen_step(detail, asked.step)
    attempt = service.get_attempt(detail, chosen, asked.attempt)
    evaluation = views.evaluation_of(services.storage, detail)
    files = results.artifacts(services.storage, detail.steps)
    pipeline = PIPELINES.get(run.pipeline)
    with services.works.telemetry_reading() as telemetry:
        points = (
            queries.metric_points(telemetry.session, run.id, chosen.id, attempt.number) if attempt else []
        )
        log = _log(telemetry, chosen, attempt, asked.line)
        failure = _failure(telemetry, detail)
    return RunPage(
        run=run,
        detail=detail,
        status=cards.status_of(detail),
        live=run.status not in RUN_ENDS,
        launchable=bool(pipeline and pipeline.recipes),
        retriable=run.status in (RunStatus.FAILED, RunStatus.CANCELLED),
        retry_from=cards.retry_from(detail),
        by=actor_names(work.session, [run.actor_id]).get(run.actor_id, run.actor_id),
        dataset=version_by_id(work.session, run.subject_id or ""),
        facts=[*cards.facts(detail, now), *results.headline(evaluation)],
        cards=cards.cards(detail, now),
        chosen=chosen,
        attempt=attempt,
        attempts=detail.attempts[chosen.id],
        failure=failure,
        lost=cards.lost_attempts(detail),
        unserved=cards.unserved_queue(detail, queries.queues_without_worker(work.session)),
        timeline=curves.timeline(detail, now),
        curves=curves.curves(points),
        log=log,
        gate=views.gate_of(detail),
        gate_rows=results.gate_rows(views.gate_of(detail)),
        measured_by=results.measured_by(files),
        model_version=views.model_version_of(detail),
        parameters=results.parameter_rows(pipeline, run.parameters),
        recipe=results.recipe_of(pipeline, run.recipe),
        artifacts=files,
    )


def _log(telemetry: Work, step: Step, attempt: Attempt | None, line: int | None) -> Log:
    if attempt is None:
        return Log((), 0)
    key = (telemetry.session, step.run_id, step.id, attempt.number)
    total = queries.log_length(*key)
    first = line or max(1, total - TAIL + 1)
    return Log(queries.log_lines(*key, first, WINDOW if line else TAIL), total)


def _failure(telemetry: Work, detail: RunDetail) -> Failure | None:
    step = cards.failed_step(detail)
    if step is None:
        return None
    tail = queries.log_tail(telemetry.session, step.run_id, step.id, step.attempt, FAILURE_TAIL)
    return Failure(step.name, step.last_error, step.advice, tail)
