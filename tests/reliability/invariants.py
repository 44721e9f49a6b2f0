"""What is true of every run at every moment, whatever happened: the engine's promise as a program.

Step programs sign their artifacts (tests.programs.signed), so that a winner can be told from a loser.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts import audit
from app.accounts.tables import AuditEntry
from app.core.errors import FittingRoomError
from app.core.services import Services
from app.runs import queries
from app.runs.advancing import facts_of
from app.runs.cloud.queries import newest_job
from app.runs.engine import run_status
from app.runs.spec import SAGEMAKER
from app.runs.states import LIVE, RUN_ENDS, STEP_ENDS, WORKING, AttemptStatus, StepState
from app.runs.tables import Attempt, Run, RunEvent, Step
from tests.programs.signed import SIGNATURE

BEGUN = LIVE | {StepState.SUCCEEDED, StepState.FAILED}


@dataclass
class Watch:
    """Remembers what it saw, so that it also notices what must never change back."""

    services: Services
    _fences: dict[str, int] = field(default_factory=dict)
    _ends: dict[str, tuple[str, int]] = field(default_factory=dict)  # step → (end, retries of its run)
    _signatures: dict[str, str] = field(default_factory=dict)

    def look(self) -> None:
        with self.services.works.reading() as work:
            found = self.violations(work.session)
        assert not found, "\n".join(found)

    def violations(self, session: Session) -> list[str]:
        attempts: dict[str, list[Attempt]] = {}
        for attempt in session.scalars(select(Attempt).order_by(Attempt.step_id, Attempt.number)):
            attempts.setdefault(attempt.step_id, []).append(attempt)
        steps: dict[str, list[Step]] = {}
        for step in session.scalars(select(Step).order_by(Step.run_id, Step.position)):
            steps.setdefault(step.run_id, []).append(step)
        retries = _retries(session)
        found: list[str] = []
        for run in session.scalars(select(Run)):
            found += _of_run(run, steps[run.id])
            for step in steps[run.id]:
                tries = attempts.get(step.id, [])
                said = [
                    *_of_step(step, tries),
                    *self._history(step, retries[run.id]),
                    *self._artifact(step, _signer(session, step)),
                ]
                found += [f"run {run.number}, {step.name} ({step.state}): {each}" for each in said]
        return [*found, *_of_events(session), *_of_audit(session)]

    def _history(self, step: Step, retries: int) -> Iterator[str]:
        if step.fence < self._fences.get(step.id, 0):
            yield "its fence fell"
        self._fences[step.id] = step.fence
        end, retries_then = self._ends.get(step.id, (step.state, retries))
        if end != step.state and (end == StepState.SUCCEEDED or retries == retries_then):
            yield f"it had {end} for good"
        if step.state in STEP_ENDS:
            self._ends[step.id] = (step.state, retries)
        else:
            self._ends.pop(step.id, None)

    def _artifact(self, step: Step, signer: str) -> Iterator[str]:
        """Succeeded means exactly one artifact, whole, and made by the attempt that won, or by its job."""
        if not step.runs_program:
            return
        if (step.state == StepState.SUCCEEDED) != (step.artifact is not None):
            yield f"its artifact is {step.artifact}"
        if step.artifact is None:
            return
        signature = self._signature(step.artifact)
        if step.cached and signature.startswith("step_") and not signature.startswith(f"{step.cached_from}-"):
            yield f"its artifact is signed by {signature}"
        if not step.cached and signature != signer:
            yield f"its artifact is that of {signature}, its fence is {step.fence}"

    def _signature(self, artifact: str) -> str:
        """Every byte is read, once an artifact."""
        if artifact not in self._signatures:
            storage = self.services.storage
            try:
                tree = storage.tree(artifact)
                for file in tree.files:
                    storage.verify(file.sha256)
                signature = storage.read_bytes(tree.find(SIGNATURE).sha256).decode()
            except FittingRoomError as error:
                signature = str(error)
            self._signatures[artifact] = signature
        return self._signatures[artifact]


def _signer(session: Session, step: Step) -> str:
    """How the program of the newest attempt is called."""
    if step.kind != SAGEMAKER:
        return f"{step.id}-{step.fence}"
    job = newest_job(session, step.id)
    return job.name if job and job.fence == step.fence else "no job of this attempt"


def _of_run(run: Run, steps: Sequence[Step]) -> Iterator[str]:
    facts = facts_of(steps)
    derived = run_status(facts, started=run.started_at is not None)
    if run.status != derived:
        yield f"run {run.number} is {run.status}, its steps say {derived}"
    live = [step for step in steps if step.state in LIVE]
    if (run.status in RUN_ENDS) == bool(live):
        yield f"run {run.number} is {run.status} and {len(live)} of its steps are live"
    by_name = {fact.name: fact for fact in facts}
    for fact in facts:
        before = [by_name[name] for name in (*fact.needs, *fact.gates)]
        closed = [name for name in fact.gates if by_name[name].passed is False]
        if fact.state in BEGUN and (closed or any(one.state != StepState.SUCCEEDED for one in before)):
            yield f"run {run.number}: {fact.name} is {fact.state} before its time"


def _of_step(step: Step, attempts: Sequence[Attempt]) -> Iterator[str]:
    statuses = Counter(attempt.status for attempt in attempts)
    running = [attempt.fence for attempt in attempts if attempt.status == AttemptStatus.RUNNING]
    if running != ([step.fence] if step.state in WORKING else []):
        yield f"attempts with the fences {running} run, its fence is {step.fence}"
    if [attempt.number for attempt in attempts] != list(range(1, step.attempt + 1)):
        yield f"its attempts are not numbered 1 to {step.attempt}"
    if [attempt.fence for attempt in attempts] != sorted({attempt.fence for attempt in attempts}):
        yield "two attempts had the same fence"
    if "unexpectedly" in step.last_error:
        yield step.last_error
    if step.released != statuses[AttemptStatus.RELEASED]:
        yield f"{step.released} attempts count as released, {statuses[AttemptStatus.RELEASED]} were"
    if queries.attempts_counted(step) > step.max_attempts:
        yield f"{queries.attempts_counted(step)} attempts of {step.max_attempts}"
    won = 1 if step.state == StepState.SUCCEEDED and not step.cached else 0
    if statuses[AttemptStatus.SUCCEEDED] != won:
        yield f"{statuses[AttemptStatus.SUCCEEDED]} of its attempts succeeded"


def _of_events(session: Session) -> Iterator[str]:
    """Numbered without a gap, so that a reader who asks for what came after one misses none."""
    query = (
        select(Run.number, Run.event_seq, func.count(), func.max(RunEvent.seq))
        .join(RunEvent, RunEvent.run_id == Run.id)
        .where(RunEvent.kind != "progress")
        .group_by(Run.id)
    )
    progress = select(RunEvent.run_id).where(RunEvent.kind == "progress").limit(1)
    if session.scalar(progress) is not None:
        return  # they are replaced by their successors
    for number, seq, count, last in session.execute(query):
        if not seq == count == last:
            yield f"run {number} counts {seq} events, has {count}, the last is {last}"


def _of_audit(session: Session) -> Iterator[str]:
    if wrong := audit.verify(session):
        yield f"the audit: {wrong}"


def _retries(session: Session) -> Counter[str]:
    asked = select(AuditEntry.subject_id).where(AuditEntry.action == "run.retried")
    return Counter(session.scalars(asked))
