"""How far a run is, told to the features below: a data set's version shows its own import."""

from collections.abc import Set

from app.core.services import Standing
from app.core.work import Work
from app.runs import queries
from app.runs.folding import progress_share
from app.runs.queries import RunDetail
from app.runs.states import WORKING, StepState
from app.runs.tables import Step
from app.runs.workers import queries as worker_queries

TOO_EARLY = 0.02  # of a step, below which its pace says nothing


def standing_of(work: Work, run_id: str) -> Standing | None:
    detail = queries.run_detail(work.session, run_id)
    if detail is None:
        return None
    step = _telling(detail)
    share = progress_share(step) if step else None
    return Standing(
        detail.run.number,
        detail.run.status,
        phase=str((step.progress or {}).get("phase", "")) if step else "",
        share=share,
        seconds_left=_left(work, detail, step, share) if step and share is not None else None,
        unserved=_unserved(detail, worker_queries.queues_without_worker(work.session)),
        advice=next((each.advice for each in detail.steps if each.state == StepState.FAILED), ""),
    )


def _telling(detail: RunDetail) -> Step | None:
    return next((step for step in detail.steps if step.state in WORKING), None)


def _left(work: Work, detail: RunDetail, step: Step, share: float) -> float | None:
    """By the pace of this attempt so far."""
    attempt = queries.running_attempt(detail, step)
    if attempt is None or share < TOO_EARLY:
        return None
    spent = (queries.clock(work.session) - attempt.started_at).total_seconds()
    return max(0.0, spent * (1 - share) / share)


def _unserved(detail: RunDetail, unserved: Set[str]) -> str:
    waiting = (step.queue for step in detail.steps if step.state == StepState.READY)
    return next((queue for queue in waiting if queue in unserved), "")
