"""``make chaos``: workers killed, frozen and stopped at random moments, while runs go on and all succeed.

``make chaos ARGS="--cycles 500 --database sqlite --seed 1"``. One cycle is one fault: SIGKILL,
SIGSTOP and SIGCONT, or SIGTERM to a worker, or a broker that forgets everything or dies. Leases last two
seconds. At the end every run must have succeeded, and :mod:`tests.reliability.invariants` must hold. The
moments are the machine's, so a seed repeats the choices and not the interleaving.
"""

import argparse
import ctypes
import json
import multiprocessing
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import redis
from sqlalchemy import func, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.core import migrations
from app.core.services import Services
from app.core.settings import Settings
from app.handlers import open_services
from app.runs.launch import LaunchRequest, RunLauncher
from app.runs.states import RUN_ENDS, AttemptStatus, RunStatus
from app.runs.tables import CLAIMABLE, Attempt, Run, Step
from ml.pipeline.definition import (
    Condition,
    GateStep,
    NativeStep,
    Parameter,
    ParameterRef,
    Pipeline,
    ProgramStep,
    Property,
    StepOutput,
)
from tests.programs.fleet import ROOT, start_broker, wait_until
from tests.programs.installation import toy_services
from tests.programs.postgres import serving_postgres
from tests.programs.signed import VALUE
from tests.reliability.invariants import Watch

DATABASES = ("sqlite", "postgresql")
LEASE_SECONDS = 2
WORKERS = 3
RUNS_AT_ONCE = 5
ATTEMPTS = 1000  # no number of kills may use them up: what is asked is whether work is lost
BUSY_SECONDS = 20
LOOK_EVERY = 25  # cycles between two looks at the invariants
PATIENCE_SECONDS = 300
SIGNED = "tests.programs.signed"
PRELOADED = (
    "tests.programs.toy_worker",
    "celery.apps.worker",
    "celery.bin.worker",
    "celery.concurrency.thread",
    "celery.worker.consumer",
    "kombu.transport.redis",
    "psycopg",
    "sqlalchemy.dialects.postgresql.psycopg",
)
FAULTS = {"kill": 45, "freeze": 30, "stop": 18, "flush the broker": 4, "kill the broker": 3}

DIAMOND = Pipeline(
    name="diamond",
    parameters=(Parameter("seconds", "number", 0.0, "How long a step takes.", "Toy", low=0, high=10),),
    inputs=(),
    steps=(
        ProgramStep("left", SIGNED, {"seconds": ParameterRef("seconds")}, queue="io", cached=False),
        ProgramStep("right", SIGNED, {"seconds": ParameterRef("seconds")}, queue="cpu", cached=False),
        ProgramStep(
            "join",
            SIGNED,
            inputs={"left": StepOutput("left"), "right": StepOutput("right")},
            queue="io",
            cached=False,
        ),
        GateStep(
            "gate", (Condition(Property("join", VALUE, "metrics.accuracy.value"), ">=", 0.5, "accuracy"),),
            if_passed=("register",),
        ),
        NativeStep("register", "register", inputs={"model": StepOutput("join")}),
    ),
)  # fmt: skip


def work(environment: dict[str, str], log: str) -> None:
    """The whole life of a worker process, forked from a server that has imported everything."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # nothing outlives this program, however it ends
    os.environ.update(environment)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    from tests.programs.toy_worker import app

    options = ["--without-gossip", "--without-mingle", "--loglevel", "WARNING"]
    app.worker_main(["worker", "-Q", "cpu,gpu,io", *options])


@dataclass
class Chaos:
    """``workers`` live; ``leaving`` were told to go and may take a while; ``sleeper`` is frozen
    until the timer ``frozen`` has run."""

    services: Services
    broker: subprocess.Popen[bytes]
    chance: random.Random
    workers: list[ForkServerProcess] = field(default_factory=list)
    leaving: list[ForkServerProcess] = field(default_factory=list)
    sleeper: ForkServerProcess | None = None
    frozen: threading.Timer | None = None
    faults: Counter[str] = field(default_factory=Counter)
    started: int = 0

    def run(self, cycles: int) -> None:
        watch = Watch(self.services)
        while len(self.workers) < WORKERS:
            self._start()
        for cycle in range(cycles):
            self._launch()
            busy = self._busy()
            time.sleep(self.chance.uniform(0, 0.6))
            self._fault(busy)
            if cycle % LOOK_EVERY == 0:
                watch.look()
        self._wake()
        wait_until(lambda: not self._unfinished(), "all runs ended", PATIENCE_SECONDS)
        watch.look()

    def _start(self) -> None:
        settings = self.services.settings
        environment = {
            "FITTINGROOM_HOME": str(settings.home),
            "FITTINGROOM_LEASE_SECONDS": str(LEASE_SECONDS),
            "DATABASE_URL": settings.database_url or "",
            "REDIS_URL": "",
            "PORT": "8000",
        }
        log = str(settings.home / f"worker-{self.started}.log")
        process = multiprocessing.get_context("forkserver").Process(target=work, args=(environment, log))
        process.start()
        self.started += 1
        self.workers.append(process)

    def _launch(self) -> None:
        for _ in range(RUNS_AT_ONCE - self._unfinished()):
            seconds = round(self.chance.uniform(0, 0.8), 2)
            with self.services.works.writing() as unit:
                launcher = self.services.launcher
                assert isinstance(launcher, RunLauncher)
                request = LaunchRequest(DIAMOND.name, "usr_1", {}, {"seconds": seconds})
                run = launcher.start(unit, request)
                mine = update(Step).where(Step.run_id == run.id)
                unit.session.execute(mine.values(max_attempts=ATTEMPTS))

    def _unfinished(self) -> int:
        with self.services.works.reading() as unit:
            unfinished = select(func.count()).select_from(Run).where(Run.status.not_in(RUN_ENDS))
            return unit.session.scalar(unfinished) or 0

    def _busy(self) -> list[ForkServerProcess]:
        """Those who hold a step. A fault waits for them: to kill who only just starts tries nothing."""
        give_up_at = time.monotonic() + BUSY_SECONDS
        while time.monotonic() < give_up_at:
            with self.services.works.reading() as unit:
                owners = set(unit.session.scalars(select(Step.lease_owner).where(CLAIMABLE)))
            busy = [each for each in self.workers if f"{socket.gethostname()}-{each.pid}" in owners]
            if busy := [each for each in busy if each is not self.sleeper]:
                return busy
            time.sleep(0.02)
        return []

    def _fault(self, busy: list[ForkServerProcess]) -> None:
        (fault,) = self.chance.choices(list(FAULTS), list(FAULTS.values()))
        # Mostly one at work; now and then one that starts, waits or is frozen.
        victim = self.chance.choice(busy if busy and self.chance.random() < 0.8 else self.workers)
        if fault == "freeze" and self.sleeper:
            fault = "kill"
        self.faults[fault] += 1
        match fault:
            case "kill":
                self._replace(victim, signal.SIGKILL)
            case "stop":
                self._replace(victim, signal.SIGTERM)
            case "freeze":
                self._signal(victim, signal.SIGSTOP)
                # Shorter and longer than the lease. By a clock of its own: who is frozen while it writes
                # keeps this program, too, from the database.
                self.frozen = threading.Timer(self.chance.uniform(0.2, 2.5 * LEASE_SECONDS), self._thaw)
                self.sleeper = victim
                self.frozen.start()
            case "flush the broker":
                redis.Redis(unix_socket_path=str(self.services.settings.broker_socket)).flushall()
            case "kill the broker":
                self._replace_broker()

    def _replace(self, victim: ForkServerProcess, how: signal.Signals) -> None:
        self._signal(victim, how)
        self.workers.remove(victim)
        self.leaving.append(victim)
        self._start()
        self.leaving = [process for process in self.leaving if process.exitcode is None]

    def _replace_broker(self) -> None:
        self.broker.kill()
        self.broker.wait()
        self.broker = start_broker(self.services.settings)

    def _thaw(self) -> None:
        if self.sleeper:
            self._signal(self.sleeper, signal.SIGCONT)
        self.sleeper = None

    @staticmethod
    def _signal(process: ForkServerProcess, number: signal.Signals) -> None:
        if process.exitcode is None and process.pid:
            os.kill(process.pid, number)

    def _wake(self) -> None:
        if self.frozen:
            self.frozen.cancel()
        self._thaw()

    def end(self) -> None:
        self._wake()
        for process in self.workers:
            process.terminate()
        for process in (*self.workers, *self.leaving):
            process.join(20)
            process.kill()
            process.join()
        self.broker.kill()
        self.broker.wait()


@contextmanager
def installation(database: str) -> Iterator[tuple[Services, subprocess.Popen[bytes]]]:
    """A home of its own, with a broker; on PostgreSQL a server of its own too."""
    home = Path(tempfile.mkdtemp(prefix="fr-chaos-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        url = stack.enter_context(serving_postgres()).create() if database == "postgresql" else None
        settings = Settings(home=home, database_url=url, redis_url=None, lease_seconds=LEASE_SECONDS)
        migrations.upgrade(settings)
        broker = start_broker(settings)
        services = toy_services(open_services(settings))
        stack.callback(services.close)
        yield replace(services, launcher=RunLauncher({DIAMOND.name: DIAMOND}, services.messenger)), broker


def report(services: Services, chaos: Chaos, seconds: float, cycles: int) -> dict[str, object]:
    with services.works.reading() as unit:
        runs = _counts(unit.session, Run.status)
        steps = _counts(unit.session, Step.state)
        attempts = _counts(unit.session, Attempt.status)
        won = select(Attempt.step_id).where(Attempt.status == AttemptStatus.SUCCEEDED)
        doubled = unit.session.scalars(won.group_by(Attempt.step_id).having(func.count() > 1)).all()
    logs = [file.read_text(errors="replace") for file in services.settings.home.glob("worker-*.log")]
    return {
        "cycles": cycles,
        "seconds": round(seconds),
        "faults": dict(chaos.faults),
        "runs": runs,
        "steps": steps,
        "attempts": attempts,
        "late finishes refused": sum(log.count("lease_lost") for log in logs),
        "lost": sum(count for status, count in runs.items() if status != RunStatus.SUCCEEDED),
        "doubled": len(doubled),
    }


def _counts(session: Session, column: InstrumentedAttribute[str]) -> dict[str, int]:
    rows = session.execute(select(column, func.count()).group_by(column)).all()
    return {str(word): int(count) for word, count in rows}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--cycles", type=int, default=500)
    parser.add_argument("--database", default="both", choices=("both", *DATABASES))
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    given = parser.parse_args(arguments)
    os.chdir(ROOT)
    multiprocessing.get_context("forkserver").set_forkserver_preload(list(PRELOADED))
    databases = DATABASES if given.database == "both" else (given.database,)
    return max([0 if survived(database, given.cycles, given.seed) else 1 for database in databases])


def survived(database: str, cycles: int, seed: int) -> bool:
    """Whether nothing was lost and nothing was done twice; what happened is printed as JSON."""
    print(f"chaos: {cycles} cycles on {database}, seed {seed}", flush=True)
    started = time.monotonic()
    with installation(database) as (services, broker):
        chaos = Chaos(services, broker, random.Random(seed))
        try:
            chaos.run(cycles)
        finally:
            chaos.end()
        result = report(services, chaos, time.monotonic() - started, cycles)
    print(json.dumps({"database": database, "seed": seed, **result}), flush=True)
    return not (result["lost"] or result["doubled"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
