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
from app.runs import queries, service, views
from app.runs.folding import listed
from app.runs.queries import LogLine, RunDetail
from app.runs.run_page import cards, cloud, curves, pace, results
from app.runs.run_page.asked import Asked
from app.runs.run_page.cards import Fact
from app.runs.run_page.cloud import CloudPart, JobView
from app.runs.run_page.pace import Pace, Waiting
from app.runs.run_page.panel import Panel, panel_of
from app.runs.states import RETRIED, RUN_ENDS, RunStatus
from app.runs.tables import Attempt, Run, Step
from ml.pipeline.catalogue import PIPELINES
from ml.pipeline.definition import Recipe

FAILURE_TAIL = 20
LOST_SHOWN = 3


@dataclass(frozen=True)
class Failure:
    step: str
    message: str
    advice: str
    tail: Sequence[LogLine]


@dataclass(frozen=True)
class Retry:
    """What a retry does: ``kept`` steps keep what they made, those ``again`` run again."""

    first: str
    kept: Sequence[Step]
    again: Sequence[Step]

    @property
    def words(self) -> str:
        again = f"{listed(self.again)} {'run' if len(self.again) > 1 else 'runs'} again."
        if not self.kept:
            return again.capitalize()
        made = f"What {listed(self.kept)} made stays as it is; "
        return made + again


@dataclass(frozen=True)
class RunPage:
    """``panel`` is the step that the reader has chosen, or would look at first."""

    run: Run
    detail: RunDetail
    title: str
    status: str
    live: bool
    launchable: bool
    retry: Retry | None
    by: str
    dataset: NamedVersion | None
    facts: Sequence[Fact]
    cards: Sequence[cards.StepCard]
    panel: Panel
    cloud: CloudPart
    job: JobView | None
    disagreement: str
    failure: Failure | None
    lost: Sequence[tuple[Step, Attempt]]
    more_lost: int
    waiting: Waiting | None
    timeline: Markup | None
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
    pipeline = PIPELINES.get(run.pipeline)
    files = results.artifacts(services.storage, [step for step in detail.steps if not step.part_of])
    gate = views.gate_of(detail)
    lost = cards.lost_attempts(detail)
    known = pace.pace_of(work.session, detail)
    dataset = version_by_id(work.session, run.subject_id or "")
    chosen = cards.chosen_step(detail, asked.step)
    away = cloud.cloud_part(work.session, detail)
    console = services.settings.aws_endpoint is None
    return RunPage(
        run=run,
        detail=detail,
        title=_title(run, dataset),
        status=cards.status_of(detail),
        live=run.status not in RUN_ENDS,
        launchable=bool(pipeline and pipeline.recipes),
        retry=_retry(detail),
        by=actor_names(work.session, [run.actor_id]).get(run.actor_id, run.actor_id),
        dataset=dataset,
        facts=[*_facts(services, detail, known, now), *away.facts],
        cards=cards.cards(detail, now, asked.step),
        panel=panel_of(work, services, detail, chosen, asked, pipeline),
        cloud=away,
        job=cloud.job_view(work.session, chosen, away.jobs.get(chosen.id), now, console=console),
        disagreement=cloud.disagreement(gate, away.decided),
        failure=_failure(services, detail),
        lost=lost[-LOST_SHOWN:],
        more_lost=max(0, len(lost) - LOST_SHOWN),
        waiting=pace.waiting_of(work.session, detail.steps),
        timeline=curves.timeline(detail, now, pace.expected(detail, known, now)),
        gate=gate,
        gate_rows=results.gate_rows(gate),
        measured_by=results.measured_by(files),
        model_version=views.model_version_of(detail),
        parameters=results.parameter_rows(pipeline, run.parameters),
        recipe=results.recipe_of(pipeline, run.recipe),
        artifacts=files,
    )


def _title(run: Run, dataset: NamedVersion | None) -> str:
    """A name that somebody gave it, else what it does."""
    usual = f"{dataset.dataset.name} v{dataset.version.number}" if dataset else ""
    if run.label and run.label != usual:
        return run.label
    return f"{run.pipeline} · {run.recipe}" if run.recipe else run.pipeline


def _facts(services: Services, detail: RunDetail, known: Pace, now: datetime) -> list[Fact]:
    strip = cards.facts(detail, known.run, now)
    if detail.run.status not in RUN_ENDS and (found := pace.estimate(detail, known, now)):
        strip.append(pace.end_in_words(found, now))
    return [*strip, *results.headline(views.evaluation_of(services.storage, detail))]


def _retry(detail: RunDetail) -> Retry | None:
    if detail.run.status not in (RunStatus.FAILED, RunStatus.CANCELLED):
        return None
    again = [step for step in detail.steps if step.state in RETRIED]
    kept = [step for step in detail.steps if step.state not in RETRIED]
    return Retry(again[0].name, kept, again) if again else None


def _failure(services: Services, detail: RunDetail) -> Failure | None:
    step = cards.failed_step(detail)
    if step is None:
        return None
    with services.works.telemetry_reading() as telemetry:
        tail = queries.log_tail(telemetry.session, step.run_id, step.id, step.attempt, FAILURE_TAIL)
    return Failure(step.name, step.last_error, step.advice, tail)
