"""The real engine in a world of which every part is in a test's hand: time, chance, messages and deaths.

Launching, claims, beats, endings, the reaper, the dispatcher, the cache and the storage are the product's own
code on a real database. Only what is around them is simulated. The database's clock is SQLite's function
``strftime``, replaced on each connection: no statement of the product is another than in production. A
program is not started; what it would have left is written where it would have left it.
"""

import logging
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError, OperationalError

from app.core import ids
from app.core.errors import Conflict
from app.core.services import Services
from app.core.settings import Settings
from app.handlers import open_services, outbox_senders
from app.runs import leases, queries, service
from app.runs.launch import LaunchRequest, RunLauncher
from app.runs.leases import Ending, Lease, released
from app.runs.states import RUN_ENDS, AttemptStatus, RunStatus, StepState
from app.runs.tables import Run, Step
from ml.contract.outcome import EXIT_FAILED, EXIT_OK, EXIT_REFUSED
from ml.pipeline.definition import Pipeline
from tests.programs.installation import ALL, Inbox, toy_services
from tests.programs.signed import MEASURED, SIGNATURE, VALUE
from tests.reliability.invariants import Watch
from workers import outcome
from workers import steps as worker_steps
from workers.devices import Card
from workers.dispatch import Dispatcher
from workers.outcome import Asked
from workers.slots import HEAVY, LIGHT, Slots
from workers.steps import StepWorker

LEASE_SECONDS = 6.0
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
ENOUGH_SECONDS = 300  # of simulated time in which a healed world must have ended every run
EXIT_CODES = {"succeeds": EXIT_OK, "refuses": EXIT_REFUSED, "is killed": 137, "fails": EXIT_FAILED}


@dataclass
class Clock:
    """Stands still between two actions. It is the database's, the workers' and that of the ids."""

    seconds: float = 0.0

    def time(self) -> float:
        return BEGINNING.timestamp() + self.seconds

    def time_ns(self) -> int:
        return int(self.time() * 1e9)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def strftime(self, _format: str, _now: str, shift: str) -> str:
        moment = BEGINNING + timedelta(seconds=self.seconds + float(shift.removesuffix(" seconds")))
        return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d}000"


@dataclass
class Held:
    """What a worker believes: this lease is mine, and surely until then."""

    step: Step
    lease: Lease
    until: float


class SimulatedWorker(StepWorker):
    """Takes a step as the real one does. Its program then runs until the test ends it."""

    def __init__(self, services: Services, name: str, clock: Clock) -> None:
        super().__init__(services, name, Slots(ALL, {HEAVY: 2, LIGHT: 2}))
        self.held: list[Held] = []
        self.frozen = False
        self.dispatcher = Dispatcher(self, outbox_senders(services), clock.time)
        self._clock = clock

    def _attempt(self, step: Step, lease: Lease, card: Card | None = None) -> None:
        with self.services.works.reading() as work:
            claimed = work.session.get_one(Step, step.id)
        self.held.append(Held(claimed, lease, self._clock.seconds + lease.seconds))

    def beat(self, held: Held) -> None:
        """As the heart does: prolong, look for a cancellation, drop what is lost."""
        with self.services.works.writing() as work:
            alive = leases.beat(work, held.lease)
        if not alive:
            self.held.remove(held)
            return
        held.until = self._clock.seconds + held.lease.seconds
        with self.services.works.reading() as work:
            cancelled = queries.cancel_requested(work.session, held.lease.run_id)
        if cancelled:
            self.end(held, 143, Asked.CANCEL)

    def end(self, held: Held, code: int, asked: Asked | None = None) -> None:
        """The program has ended, and the worker says so, however late."""
        self.held.remove(held)
        self._finish(held.lease, self._ending(held, code, asked))

    def _ending(self, held: Held, code: int, asked: Asked | None) -> Ending:
        if code == EXIT_OK:
            return self._left(held.lease)
        if asked is Asked.CANCEL:
            return outcome.cancelled(code)
        return released(code) if asked else outcome.ending_of(held.step, code, "", lambda: "")

    def _left(self, lease: Lease) -> Ending:
        """What tests.programs.signed leaves, put away as an attempt does."""
        storage = self.services.storage
        scratch = storage.scratch()
        files = {SIGNATURE: f"{lease.step_id}-{lease.fence}", VALUE: MEASURED}
        for name, content in files.items():
            (scratch / name).write_text(content)
        tree = storage.put_tree({name: scratch / name for name in files}, move=True)
        scratch.rmdir()
        done = StepState.SUCCEEDED, AttemptStatus.SUCCEEDED
        return Ending(*done, exit_code=EXIT_OK, artifact=tree.sha256, artifact_size=tree.size)


class Chance(random.Random):
    def randbits(self, count: int) -> int:
        return self.getrandbits(count)


@dataclass
class Simulation:
    services: Services
    inbox: Inbox
    clock: Clock
    pipelines: dict[str, Pipeline] = field(default_factory=dict)
    workers: list[SimulatedWorker] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)
    remote: list[tuple[SimulatedWorker, Held]] = field(
        default_factory=list
    )  # jobs at AWS, and who began them
    looked_at: list[Step] = field(default_factory=list)  # what a slow reaper saw as expired, a while ago
    fault: str = ""  # what the database does at its next chance: "begin", "commit" or "answer"
    hired: int = 0
    orphans: int = 0  # leases whose holder died
    changed: bool = True  # something was committed since the last look
    can_end: list[str] = field(default_factory=list)  # runs that can still be cancelled
    can_go_on: list[str] = field(default_factory=list)  # and those that can be retried

    def __post_init__(self) -> None:
        self.watch = Watch(self.services)
        self.hire()

    # People

    def launch(self, pipeline: Pipeline) -> None:
        self.pipelines[pipeline.name] = pipeline
        launcher = RunLauncher(self.pipelines, self.inbox)
        with self.survived(), self.services.works.writing() as work:
            self.runs.append(launcher.start(work, LaunchRequest(pipeline.name, "usr_1", {})).id)

    def ask(self, verb: Callable[..., Run], run_id: str) -> None:
        """Cancel or retry; a refusal changes nothing, which the invariants see."""
        with self.survived(), self.services.works.writing() as work:
            if work.session.get(Run, run_id):
                verb(work, self.services, run_id, "usr_1")

    # The world

    def hire(self) -> None:
        self.hired += 1
        self.workers.append(SimulatedWorker(self.services, f"worker-{self.hired}", self.clock))

    def awake(self) -> list[SimulatedWorker]:
        return [worker for worker in self.workers if not worker.frozen]

    def pass_time(self, seconds: float) -> None:
        """The dispatchers look on, as they do every second; else each would think that it had slept."""
        end = self.clock.seconds + seconds
        while self.clock.seconds < end:
            self.clock.seconds = min(end, self.clock.seconds + 2)
            for worker in self.awake():
                with self.survived():
                    worker.dispatcher.reap()

    def deliver(self, place: int, worker: SimulatedWorker, *, twice: bool = False) -> None:
        step_id, queue = self.inbox.sent.pop(place)
        if twice:
            self.inbox.sent.append((step_id, queue))
        with self.survived():
            worker.execute(step_id)

    def die(self, worker: SimulatedWorker) -> None:
        self.orphans += len(worker.held)
        self.workers.remove(worker)

    def stop(self, worker: SimulatedWorker) -> None:
        """SIGTERM: its programs end, and it gives back what it holds."""
        worker.stopping.request()
        for held in list(worker.held):
            with self.survived():
                worker.end(held, 143, Asked.LEAVE)
        self.workers.remove(worker)

    def oversleep(self, worker: SimulatedWorker) -> None:
        """Frozen for longer than its lease, while somebody else takes over; it wakes up and knows nothing."""
        worker.frozen = True
        if not self.awake():
            self.hire()
        self.pass_time(2 * LEASE_SECONDS)
        other = self.awake()[0]
        with self.survived():
            other.dispatcher.tick(0)
        if self.inbox.sent:
            self.deliver(0, other)
        worker.frozen = False

    def hand_over(self, worker: SimulatedWorker, held: Held) -> None:
        """A job at AWS does it from now on, whatever becomes of the transaction that says so."""
        worker.held.remove(held)
        self.remote.append((worker, held))
        with self.survived(), self.services.works.writing() as work:
            leases.hand_over(work, held.lease)

    def job_ends(self, job: tuple[SimulatedWorker, Held], code: int, *, twice: bool = False) -> None:
        """Some keeper says so; where the database fails once more; with ``twice`` another one does too."""
        worker, held = job
        ending = worker._ending(held, code, None)
        with self.survived():
            with self.services.works.writing() as work:
                leases.finish_remote(work, self.services, held.lease, ending)
            if not twice:
                self.remote.remove(job)

    def look_for_expired(self) -> None:
        with self.services.works.reading() as work:
            self.looked_at = queries.expired_steps(work.session)

    def reap_what_was_seen(self) -> None:
        for step in self.looked_at:
            with self.survived(), self.services.works.writing() as work:
                leases.reap(work, self.services, step)
        self.looked_at = []

    @contextmanager
    def survived(self) -> Iterator[None]:
        """A database that fails costs whoever asked it, and nobody else."""
        try:
            yield
        except (DBAPIError, Conflict):
            pass
        finally:
            self.fault = ""

    # What must be true

    def check(self) -> None:
        if self.changed:
            self.watch.look()
            self._look_at_runs()
        self.changed = False
        with self.services.works.reading() as work:
            for worker in self.workers:
                for held in worker.held:
                    if held.until > self.clock.seconds:
                        step = work.session.get_one(Step, held.lease.step_id)
                        assert (step.state, step.fence) == ("leased", held.lease.fence), (
                            f"{worker.name} was robbed of {step.name} before its time"
                        )

    def heal(self) -> None:
        """Everybody wakes up, nothing more fails: now all runs end, without another word from anybody."""
        self.fault = ""
        for worker in self.workers:
            worker.frozen = False
        if not self.workers:
            self.hire()
        end = self.clock.seconds + ENOUGH_SECONDS
        while self._unfinished():
            assert self.clock.seconds < end, f"never ended: {self._unfinished()}"
            self.pass_time(1)
            for worker in self.workers:
                for held in list(worker.held):
                    worker.end(held, 0)
                worker.dispatcher.tick(0)
            for job in list(self.remote):
                self.job_ends(job, 0)
            while self.inbox.sent:
                self.deliver(0, self.workers[0])
        self.check()

    def _look_at_runs(self) -> None:
        with self.services.works.reading() as work:
            runs = queries.runs_by_ids(work.session, self.runs)
        going = [run for run in runs if run.status not in RUN_ENDS]
        self.can_end = [run.id for run in going if not run.cancel_requested]
        self.can_go_on = [run.id for run in runs if run.status in (RunStatus.FAILED, RunStatus.CANCELLED)]

    def _unfinished(self) -> list[tuple[str, str]]:
        with self.services.works.reading() as work:
            runs = queries.runs_by_ids(work.session, self.runs)
        return [(run.id, run.status) for run in runs if run.status not in RUN_ENDS]


@dataclass
class World:
    """One database file and one engine for all simulations, because compiled statements are worth keeping."""

    migrated: Path
    services: Services
    inbox: Inbox
    clock: Clock
    patches: pytest.MonkeyPatch
    simulation: Simulation | None = None

    def begin(self) -> Simulation:
        settings, engine = self.services.settings, self.services.databases.main.engine
        engine.dispose()
        for file in settings.home.glob("main.db*"):
            file.unlink()
        shutil.copy(self.migrated / "main.db", settings.home / "main.db")
        for blobs in (settings.home / "storage" / "blobs").iterdir():
            shutil.rmtree(blobs)
        (settings.home / "audit.anchor").unlink(missing_ok=True)
        self.inbox.sent.clear()
        self.clock.seconds = 0.0
        self.patches.setattr(ids, "secrets", Chance(0))
        self.simulation = Simulation(self.services, self.inbox, self.clock)
        return self.simulation

    def fail(self, moment: str, connection: Connection) -> None:
        if not self.simulation or self.simulation.fault != moment:
            return
        self.simulation.fault = ""
        if moment != "begin":
            connection.exec_driver_sql("COMMIT" if moment == "answer" else "ROLLBACK")
        raise OperationalError("COMMIT", None, sqlite3.OperationalError("the database restarted"))


@contextmanager
def world(home: Path, migrated: Path) -> Iterator[World]:
    """``home`` is best in memory: nothing in it is kept."""
    clock, inbox = Clock(), Inbox()
    settings = Settings(
        home=home, sample=None, database_url=None, redis_url=None, lease_seconds=LEASE_SECONDS
    )
    services = toy_services(open_services(settings), inbox)
    services = replace(services, launcher=RunLauncher({}, inbox))
    said = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with pytest.MonkeyPatch.context() as patches:
        made = World(migrated, services, inbox, clock, patches)
        _simulate_database(services, made)
        patches.setattr(ids, "time", clock)
        patches.setattr(worker_steps, "time", clock)
        yield made
    structlog.configure(**said)
    services.close()


def _simulate_database(services: Services, made: World) -> None:
    engine = services.databases.main.engine

    def connected(dbapi: Any, _record: object) -> None:
        dbapi.create_function("strftime", 3, made.clock.strftime)
        dbapi.execute("PRAGMA synchronous=OFF")  # the machine does not lose its power here

    def begun(connection: Connection) -> None:
        if not connection.get_execution_options().get("read_only", False):
            made.fail("begin", connection)

    def committing(connection: Connection) -> None:
        if made.simulation:
            made.simulation.changed = True
        made.fail("commit", connection)
        made.fail("answer", connection)

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun, insert=True)  # before it has begun
    event.listen(engine, "commit", committing)


CANCEL, RETRY = service.cancel, service.retry
