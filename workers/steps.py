"""``execute_step``: one message, one step. The database decides whether this worker gets to do it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import structlog
from sqlalchemy.exc import DataError

from app.core.database import AWAY
from app.core.errors import FittingRoomError
from app.core.services import Services
from app.core.storage import StorageAway
from app.runs import caching, leases, native, queries
from app.runs.caching import Lookup
from app.runs.cloud.connecting import cloud_hosts
from app.runs.cloud.hosts import CloudHost
from app.runs.leases import Ending, Lease
from app.runs.spec import SAGEMAKER, StepSpec
from app.runs.states import STEP_ENDS, AttemptStatus, StepState
from app.runs.tables import Step
from ml.pipeline.program import program_version
from workers import outcome
from workers.attempt import NO_ROOM, Attempt, Host, Stopping, broken
from workers.cloud.submission import Submission
from workers.devices import Card, Cards, locks_directory
from workers.slots import CARD, GROUP_OF_QUEUE, HEAVY, Slots

log = structlog.get_logger()

FINISH_PAUSE_SECONDS = 0.5


@dataclass(frozen=True)
class Plan:
    """What is known of a program step before it is claimed."""

    program_version: str
    lookup: Lookup


class StepWorker:
    """Executes steps in the threads of this process. ``name`` is the owner written into each lease.

    A machine that joined has no business at AWS: the credentials are the installation's own.
    """

    def __init__(self, services: Services, name: str, slots: Slots, cards: Cards | None = None) -> None:
        self.services = services
        self.name = name
        self.slots = slots
        self.cards = cards or Cards((), locks_directory())
        self.clouds: Mapping[str, CloudHost] = {} if services.settings.worker_key else cloud_hosts(services)
        self.kinds = sorted({*native.known_kinds(services), *([SAGEMAKER] if self.clouds else [])})
        self.stopping = Stopping()
        self.draining = False
        self.problem = ""  # why it can take nothing now
        heavy = slots.sizes.get(HEAVY, 0) + slots.sizes.get(CARD, 0)
        self.host = Host(services, max(1, heavy), self.stopping)

    @property
    def taking(self) -> bool:
        return not (self.stopping.requested or self.draining or self.problem)

    def execute(self, step_id: str) -> bool:
        """True: a step found no slot meanwhile, or had to give way, so somebody should look for it now."""
        step, outranked = self._peek(step_id)
        if step is None or not self.taking:
            return False
        if outranked:
            return True
        if not self.slots.take(step.queue):
            return False
        about = {"run_id": step.run_id, "step_id": step.id, "worker": self.name}
        try:
            with structlog.contextvars.bound_contextvars(**about):
                self._execute_with_card(step)
        finally:
            turned_away = self.slots.give_back(step.queue)
        # Where a limit holds, steps wait without having been turned away by anybody's slots.
        return turned_away or step.queue in self.services.settings.limits

    def _peek(self, step_id: str) -> tuple[Step | None, bool]:
        """Read-only first: most duplicates end here without having asked for a lock.

        With it, whether one of a higher priority waits: messages come in the order in which they were sent.
        """
        with self.services.works.reading() as work:
            step = work.session.get(Step, step_id)
            if step is None or step.state != StepState.READY or step.kind not in self.kinds:
                return None, False
            return step, queries.outranked(work.session, step, self.kinds)

    def _execute_with_card(self, step: Step) -> None:
        if GROUP_OF_QUEUE[step.queue] != CARD:
            self._execute(step, None)
        elif card := self.cards.take():
            try:
                self._execute(step, card)
            finally:
                card.give_back()

    def _execute(self, step: Step, card: Card | None) -> None:
        if not step.runs_program:
            if lease := self._claim(step, None):
                self._end(step, lease, self._perform)
            return
        try:
            lease = self._begin(step)
        except AWAY:
            raise  # the dispatcher sends the step again
        except Exception as error:  # noqa: BLE001 - else it would be sent again for ever and never say why
            if lease := self._claim(step, None):
                self._finish(lease, _ending_by(step, error))
            return
        if lease:
            how = self._submit if step.kind == SAGEMAKER else partial(self._attempt, card=card)
            self._end(step, lease, how)

    def _begin(self, step: Step) -> Lease | None:
        """The lease; None where the cache had the step done, or another worker was faster."""
        plan = self._plan(step)
        if plan.lookup.found is None:
            return self._claim(step, plan)
        with self.services.works.writing() as work:
            caching.take_from_cache(work, self.services, step, plan.lookup)
        return None

    def _plan(self, step: Step) -> Plan:
        spec = StepSpec.from_json(step.spec)
        assert spec.program is not None, "a program step names its program"
        version = program_version(spec.program)
        storage = self.services.storage
        with self.services.works.reading() as work:
            inputs = caching.input_trees(work.session, storage, step)
            key = caching.cache_key(spec, version, inputs)
            return Plan(version, caching.look_up(work.session, storage, step, key))

    def _claim(self, step: Step, plan: Plan | None) -> Lease | None:
        settings = self.services.settings
        with self.services.works.writing() as work:
            most = settings.limits.get(step.queue)
            lease = leases.claim(work, step, self.name, settings.lease_seconds, most)
            if lease and plan:
                caching.note_key(work, lease, plan.program_version, plan.lookup)
        return lease

    def _end(self, step: Step, lease: Lease, how: Callable[[Step, Lease], None]) -> None:
        """Whatever goes wrong in here fails this step and leaves the worker as it was."""
        try:
            how(step, lease)
        except StorageAway as error:
            self._finish(lease, outcome.storage_away(self._claimed(step), error))
        except DataError as error:  # the database is there and refuses: it would refuse again
            self._finish(lease, _ending_by(step, error))
        except AWAY:
            log.warning("database_lost", step_id=step.id, exc_info=True)  # the lease will run out
        except Exception as error:  # noqa: BLE001 - the boundary between a step and its worker
            self._finish(lease, _ending_by(step, error))

    def _attempt(self, step: Step, lease: Lease, card: Card | None) -> None:
        with self.services.works.reading() as work:
            inputs = caching.input_trees(work.session, self.services.storage, step)
        claimed = self._claimed(step)
        attempt = Attempt(self.host, claimed, lease, inputs, card)
        ending = attempt.run()
        if ending is None:
            log.warning("lease_lost", step_id=step.id, fence=lease.fence)
        elif self._finish(lease, ending) and ending.to in STEP_ENDS - {StepState.FAILED}:
            attempt.forget()

    def _submit(self, step: Step, lease: Lease) -> None:
        """The step's program runs at AWS: from here on no worker holds it, see workers/cloud."""
        with self.services.works.reading() as work:
            inputs = caching.input_trees(work.session, self.services.storage, step)
        claimed = self._claimed(step)
        ending = Submission(self.services, self.clouds, self.stopping, claimed, lease, inputs).run()
        if ending is not None:
            self._finish(lease, ending)

    def _claimed(self, step: Step) -> Step:
        """With the attempt that has begun counted."""
        with self.services.works.reading() as work:
            return work.session.get_one(Step, step.id)

    def _perform(self, step: Step, lease: Lease) -> None:
        """The handler's effects and the step's success are one transaction."""
        with self.services.works.writing() as work:
            if queries.holds(work.session, lease.run_id, lease.step_id, lease.fence):
                result = native.perform(work, self.services, step)
                done = Ending(StepState.SUCCEEDED, AttemptStatus.SUCCEEDED, result=result)
                leases.finish(work, self.services, lease, done)

    def _finish(self, lease: Lease, ending: Ending) -> bool:
        """A database that is away for a moment must not cost a training that is done."""
        give_up_at = time.monotonic() + lease.seconds
        while True:
            try:
                with self.services.works.writing() as work:
                    return leases.finish(work, self.services, lease, ending)
            except DataError:
                raise
            except AWAY:
                if time.monotonic() > give_up_at:
                    raise
                log.warning("finish_waits_for_database", step_id=lease.step_id, exc_info=True)
                time.sleep(FINISH_PAUSE_SECONDS)


def _ending_by(step: Step, error: Exception) -> Ending:
    """A refusal in its own words; anything else is a mistake of ours, and the log has where it was made."""
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        return broken(error)
    if isinstance(error, FittingRoomError):
        message, advice = error.message, error.advice
    else:
        log.error("step_failed_unexpectedly", step_id=step.id, kind=step.kind, exc_info=error)
        # What was half a character may be the very reason, and must not stop this from being written.
        said = str(error).encode(errors="backslashreplace").decode()
        message = f"{step.name} failed unexpectedly: {type(error).__name__}: {said}"
        advice = "The worker's log has the whole trace."
    return Ending(StepState.FAILED, AttemptStatus.FAILED, message, advice)
