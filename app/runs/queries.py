"""Every read of the runs feature. Rows come back as they are; the views join what a page shows as one."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, case, func, literal, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, defer

from app.core.database import UtcDateTime, moment, now, seconds_between
from app.keeping.queries import archived_ids, tagged_ids
from app.runs.states import AttemptStatus, RunStatus, StepState
from app.runs.tables import CLAIMABLE, Attempt, LogChunk, MetricPoint, Run, RunEvent, Step

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
# A priority is a head start in the queue, not a class of its own: whoever has waited for longer than that
# goes first all the same, so nobody waits for ever.
HEAD_START_SECONDS = 12 * 3600
LINES_A_CHUNK = 1000  # no chunk holds more lines, see workers.tailing
CLOSED = "closed"  # what lists call a run that succeeded without opening its gate

# A run that succeeded has a message only where its gate stayed closed, see advancing.
_CLOSED = and_(Run.status == RunStatus.SUCCEEDED, Run.message != "")
_ELAPSED = seconds_between(
    func.coalesce(Run.started_at, Run.created_at, type_=UtcDateTime),
    func.coalesce(Run.finished_at, moment(), type_=UtcDateTime),
)
# When it is a run's turn: an hour that is comparable and never changes while the run waits.
_turn = seconds_between(literal(EPOCH, UtcDateTime()), Run.created_at) - Run.priority * HEAD_START_SECONDS
# By the word of an address; what has no figure comes last either way.
SORTS: dict[str, ColumnElement[Any]] = {
    "-launched": Run.id.expression,
    "launched": Run.id.expression,
    "-duration": _ELAPSED,
    "duration": _ELAPSED,
    "-macro_f1": func.coalesce(Run.macro_f1, -1.0),
    "macro_f1": func.coalesce(Run.macro_f1, 2.0),
}


@dataclass(frozen=True)
class RunDetail:
    """A run with its steps in order, and all attempts of each by the step's id."""

    run: Run
    steps: Sequence[Step]
    attempts: dict[str, list[Attempt]]

    def step(self, name: str) -> Step | None:
        return next((step for step in self.steps if step.name == name), None)


@dataclass(frozen=True)
class RunFilter:
    """What a list of runs is narrowed to; None narrows nothing.

    ``closed`` tells the runs that succeeded apart: those whose gate stayed closed, and the others.
    """

    status: str | None = None
    closed: bool | None = None
    pipeline: str | None = None
    actor_id: str | None = None
    subject_ids: Sequence[str] | None = None
    recipe: str | None = None
    tag: str | None = None
    archived: bool | None = None
    text: str | None = None  # a number, an id, a tag, or part of a label, a recipe's or a model's name


@dataclass(frozen=True)
class RunPage:
    """``next`` is the cursor of the following page, or None on the last one."""

    items: Sequence[Run]
    total: int
    next: str | None


@dataclass(frozen=True)
class LogLine:
    number: int
    text: str
    at: datetime


def clock(session: Session) -> datetime:
    """The database's time, as a value."""
    return session.scalars(select(now())).one()


def run_by_id(session: Session, run_id: str) -> Run | None:
    """By id, or by the number that people read."""
    if run_id.isascii() and run_id.isdigit() and len(run_id) < 10:
        return session.scalar(select(Run).where(Run.number == int(run_id)))
    return session.get(Run, run_id)


def runs_by_ids(session: Session, run_ids: Sequence[str]) -> list[Run]:
    """Those that there are, newest first."""
    return list(session.scalars(select(Run).where(Run.id.in_(run_ids)).order_by(Run.id.desc())))


def locked_run(session: Session, run_id: str) -> Run | None:
    """The run under its row lock, which every change of its steps takes first (SQLite locks it all)."""
    query = select(Run).where(Run.id == run_id).with_for_update().execution_options(populate_existing=True)
    return session.scalar(query)


def run_by_key(session: Session, actor_id: str, idempotency_key: str) -> Run | None:
    query = select(Run).where(Run.actor_id == actor_id, Run.idempotency_key == idempotency_key)
    return session.scalar(query)


def steps_of(session: Session, run_id: str) -> list[Step]:
    return list(session.scalars(select(Step).where(Step.run_id == run_id).order_by(Step.position)))


def run_detail(session: Session, run_id: str) -> RunDetail | None:
    run = run_by_id(session, run_id)
    if run is None:
        return None
    steps = steps_of(session, run.id)
    attempts: dict[str, list[Attempt]] = {step.id: [] for step in steps}
    tries = select(Attempt).where(Attempt.step_id.in_(attempts)).order_by(Attempt.number)
    for attempt in session.scalars(tries):
        attempts[attempt.step_id].append(attempt)
    return RunDetail(run, steps, attempts)


def list_runs(
    session: Session,
    narrowed: RunFilter,
    cursor: str | None = None,
    limit: int = 50,
    sort: str = "-launched",
    total: int | None = None,
) -> RunPage:
    """Newest first, or as :data:`SORTS` names it. The cursor is the id of the last run of the page before.

    ``total`` spares the counting where the caller has counted already.
    """
    if total is None:
        counted = select(func.count()).select_from(Run).where(*_conditions(narrowed))
        total = session.scalar(counted) or 0
    rows = list(session.scalars(ordered(narrowed, cursor, sort).limit(limit + 1)))
    return RunPage(rows[:limit], total, rows[limit - 1].id if len(rows) > limit else None)


def ordered(narrowed: RunFilter, cursor: str | None, sort: str) -> Select[Run]:
    """Equal keys are told apart by the id, so a page never begins in the middle of them."""
    key, descending = SORTS[sort], sort.startswith("-")
    query = select(Run).where(*_conditions(narrowed))
    if cursor:
        last = select(key).where(Run.id == cursor).correlate(None).scalar_subquery()
        beyond = (key < last, Run.id < cursor) if descending else (key > last, Run.id > cursor)
        query = query.where(or_(beyond[0], and_(key == last, beyond[1])))
    order = (key.desc(), Run.id.desc()) if descending else (key, Run.id)
    return query.order_by(*dict.fromkeys(order))


def _conditions(narrowed: RunFilter) -> list[ColumnElement[bool]]:
    equal = {
        Run.status: narrowed.status,
        Run.pipeline: narrowed.pipeline,
        Run.actor_id: narrowed.actor_id,
        Run.recipe: narrowed.recipe,
    }
    conditions: list[ColumnElement[bool]] = [column == value for column, value in equal.items() if value]
    if narrowed.closed is not None:
        conditions.append(_CLOSED if narrowed.closed else ~_CLOSED)
    if narrowed.subject_ids is not None:
        conditions.append(Run.subject_id.in_(narrowed.subject_ids))
    if narrowed.tag:
        conditions.append(Run.id.in_(tagged_ids(narrowed.tag)))
    if narrowed.archived is not None:
        away = Run.id.in_(archived_ids())
        conditions.append(away if narrowed.archived else ~away)
    if narrowed.text:
        conditions.append(_saying(narrowed.text))
    return conditions


def _saying(text: str) -> ColumnElement[bool]:
    words = [column.icontains(text, autoescape=True) for column in (Run.label, Run.model, Run.recipe)]
    number = text.removeprefix("#")
    if number.isascii() and number.isdigit() and len(number) < 10:
        return or_(Run.number == int(number), Run.id.in_(tagged_ids(text)), *words)
    return or_(Run.id == text, Run.id.in_(tagged_ids(text)), *words)


def status_counts(session: Session, narrowed: RunFilter) -> dict[str, int]:
    """How many runs stand in each status, whatever status the list is narrowed to. ``closed`` is one."""
    conditions = _conditions(replace(narrowed, status=None, closed=None))
    word = case((_CLOSED, CLOSED), else_=Run.status)
    query = select(word, func.count()).where(*conditions).group_by(word)
    return dict(session.execute(query).tuples().all())


def active_runs(session: Session, limit: int = 20) -> list[Run]:
    active = Run.status.in_([RunStatus.QUEUED, RunStatus.RUNNING])
    return list(session.scalars(select(Run).where(active).order_by(Run.id.desc()).limit(limit)))


def steps_of_runs(session: Session, run_ids: Sequence[str]) -> dict[str, list[Step]]:
    """For lists: the steps of many runs in one query, without the documents that only a run's page shows."""
    found: dict[str, list[Step]] = {run_id: [] for run_id in run_ids}
    query = select(Step).where(Step.run_id.in_(run_ids)).order_by(Step.run_id, Step.position)
    query = query.options(defer(Step.spec, raiseload=True), defer(Step.cache_key, raiseload=True))
    for step in session.scalars(query):
        found[step.run_id].append(step)
    return found


def steps_by_ids(session: Session, step_ids: Sequence[str]) -> dict[str, Step]:
    return {step.id: step for step in session.scalars(select(Step).where(Step.id.in_(step_ids)))}


def events_after(session: Session, run_id: str, seq: int, limit: int = 500) -> list[RunEvent]:
    query = select(RunEvent).where(RunEvent.run_id == run_id, RunEvent.seq > seq)
    return list(session.scalars(query.order_by(RunEvent.seq).limit(limit)))


def holds(session: Session, run_id: str, step_id: str, fence: int) -> bool:
    """Whether that claim is still the newest, asked under the run's lock."""
    locked_run(session, run_id)
    held = and_(Step.id == step_id, Step.state == StepState.LEASED, Step.fence == fence)
    return session.scalar(select(Step.id).where(held)) is not None


def cancel_requested(session: Session, run_id: str) -> bool:
    return bool(session.scalar(select(Run.cancel_requested).where(Run.id == run_id)))


def claimable(step_id: str) -> ScalarSelect[str]:
    """The step's id if it may be claimed now. The lock is taken here, in the subquery of the claim's
    UPDATE, so that a second claimer passes by instead of waiting. (SQLite leaves the clause out.)"""
    due = or_(Step.not_before.is_(None), Step.not_before <= now())
    ready = and_(Step.id == step_id, Step.state == StepState.READY, due)
    return select(Step.id).where(ready).with_for_update(skip_locked=True).scalar_subquery()


def ready_steps(
    session: Session, queues: Sequence[str], kinds: Sequence[str], limit: int, waiting_seconds: float = 0
) -> list[Step]:
    """The steps that a worker with these abilities could claim now, and could have for a while, in turn:
    those of the run that was launched first, where none has a higher priority."""
    waited = or_(Step.ready_at.is_(None), Step.ready_at <= now(-waiting_seconds))
    able = and_(Step.queue.in_(queues), Step.kind.in_(kinds), _waiting())
    query = select(Step).join(Run, Run.id == Step.run_id).where(able, waited)
    return list(session.scalars(query.order_by(_turn, Step.id).limit(limit)))


def _waiting() -> ColumnElement[bool]:
    due = or_(Step.not_before.is_(None), Step.not_before <= now())
    return and_(Step.state == StepState.READY, CLAIMABLE, due)


def ready_before(session: Session, step: Step) -> int:
    """How many due steps of the same queue have their turn before this one."""
    return session.scalar(_ahead_of(step, func.count())) or 0


def outranked(session: Session, step: Step, kinds: Sequence[str]) -> bool:
    """Whether a step of a higher priority, of one of these kinds, waits in the same queue for its turn."""
    own = select(Run.priority).where(Run.id == step.run_id).scalar_subquery()
    higher = and_(Run.priority > own, Step.kind.in_(kinds))
    return session.scalar(_ahead_of(step, Step.id).where(higher).limit(1)) is not None


def _ahead_of(step: Step, what: ColumnElement[Any] | InstrumentedAttribute[Any]) -> Select[Any]:
    mine = select(_turn).where(Run.id == step.run_id).correlate(None).scalar_subquery()
    earlier = or_(_turn < mine, and_(_turn == mine, Step.id < step.id))
    query = select(what).select_from(Step).join(Run, Run.id == Step.run_id)
    return query.where(Step.queue == step.queue, _waiting(), earlier)


def expired_steps(session: Session, limit: int = 100) -> list[Step]:
    late = and_(Step.state == StepState.LEASED, CLAIMABLE, Step.lease_until < now())
    return list(session.scalars(select(Step).where(late).limit(limit)))


def cache_candidates(session: Session, pipeline: str, name: str, limit: int = 20) -> list[Step]:
    """Earlier finished runs of this step, newest first: what a new one may equal or be compared with."""
    query = select(Step).where(
        Step.pipeline == pipeline,
        Step.name == name,
        Step.state == StepState.SUCCEEDED,
        Step.cache_hash.is_not(None),
    )
    return list(session.scalars(query.order_by(Step.id.desc()).limit(limit)))


def steps_by_cache_hash(session: Session, cache_hash: str) -> list[Step]:
    query = select(Step).where(Step.cache_hash == cache_hash, Step.state == StepState.SUCCEEDED)
    return list(session.scalars(query.order_by(Step.id.desc()).limit(5)))


def metric_points(
    session: Session, run_id: str, step_id: str | None = None, attempt: int | None = None
) -> list[MetricPoint]:
    """From the telemetry database, in the order in which they were reported."""
    query = select(MetricPoint).where(MetricPoint.run_id == run_id)
    if step_id:
        query = query.where(MetricPoint.step_id == step_id)
    if attempt:
        query = query.where(MetricPoint.attempt == attempt)
    return list(session.scalars(query.order_by(MetricPoint.id)))


def log_lines(
    session: Session, run_id: str, step_id: str, attempt: int, first: int = 1, limit: int = 1000
) -> list[LogLine]:
    """Lines ``first`` and after, from the telemetry database; at most ``limit``."""
    of_attempt = _log_of(run_id, step_id, attempt)
    # A chunk that starts before ``first`` may still hold it.
    query = select(LogChunk).where(of_attempt, LogChunk.line > first - LINES_A_CHUNK)
    found: list[LogLine] = []
    with closing(session.scalars(query.order_by(LogChunk.line).execution_options(yield_per=50))) as chunks:
        for chunk in chunks:
            for offset, text in enumerate(chunk.text.split("\n")):
                if chunk.line + offset >= first and len(found) < limit:
                    found.append(LogLine(chunk.line + offset, text, chunk.at))
            if len(found) >= limit:
                break
    return found


def log_length(session: Session, run_id: str, step_id: str, attempt: int) -> int:
    """Number of lines that stand in the log by now."""
    query = select(LogChunk).where(_log_of(run_id, step_id, attempt)).order_by(LogChunk.line.desc()).limit(1)
    last = session.scalar(query)
    return last.line + last.text.count("\n") if last else 0


def log_tail(session: Session, run_id: str, step_id: str, attempt: int, lines: int = 20) -> list[LogLine]:
    first = max(1, log_length(session, run_id, step_id, attempt) - lines + 1)
    return log_lines(session, run_id, step_id, attempt, first, lines)


def _log_of(run_id: str, step_id: str, attempt: int) -> ColumnElement[bool]:
    return and_(LogChunk.run_id == run_id, LogChunk.step_id == step_id, LogChunk.attempt == attempt)


def attempts_counted(step: Step) -> int:
    """Attempts that count: one that its worker gave back unharmed does not."""
    return step.attempt - step.released


def seconds_of(step: Step, until: datetime | None = None) -> float | None:
    """How long the step took, or has taken ``until`` now; None before it started."""
    end = step.finished_at or until
    if step.started_at is None or end is None:
        return None
    return round((end - step.started_at).total_seconds(), 3)


def running_attempt(detail: RunDetail, step: Step) -> Attempt | None:
    running = (a for a in detail.attempts[step.id] if a.status == AttemptStatus.RUNNING)
    return next(running, None)
