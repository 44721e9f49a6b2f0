"""The dispatcher: nothing depends on a message arriving or on a worker staying alive.

One thread in every worker. It takes expired leases away, sends again what no one took, has the jobs at AWS
looked after, delivers the outbox and shows that this worker lives. Each act is guarded by the database, so
any number may run.
"""

import shutil
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from kombu.exceptions import OperationalError

from app.core import outbox
from app.core.database import AWAY
from app.core.outbox import Sender
from app.runs import leases, queries
from app.runs.states import LIVE, StepState
from app.runs.tables import Step
from app.runs.workers import queries as worker_queries
from workers.cloud.polling import Poller
from workers.leftovers import collect_leftovers
from workers.presence import Presence
from workers.steps import StepWorker

log = structlog.get_logger()

TICK_SECONDS = 1.0
PAUSED_SECONDS = 3.0  # between two ticks: this machine slept or choked, and other threads with it
OVERDUE_SECONDS = 2.0  # a message that was sent has arrived by then, where it arrives at all
COLLECT_EVERY_TICKS = 3600
KEEP_FAILED = timedelta(hours=24)  # the checkpoints of a failed step, for whoever retries it


class Dispatcher:
    def __init__(
        self,
        worker: StepWorker,
        senders: Mapping[str, Sender],
        clock: Callable[[], float] = time.time,
        presence: Presence | None = None,
        poller: Poller | None = None,
    ) -> None:
        self._clock = clock
        self._worker = worker
        self._services = worker.services
        self._senders = senders
        self._presence = presence or Presence(worker)
        self._poller = poller or Poller(worker.services, worker.clouds, worker.name, worker.stopping)
        self._wake = threading.Event()
        self._stopped = False
        self._ticks = 0
        self._reaped_at = clock()
        self._patient_until = 0.0
        self._thread = threading.Thread(target=self._run, name="dispatcher", daemon=True)

    def start(self) -> None:
        collect_work(self._worker)
        self._thread.start()

    def nudge(self) -> None:
        """A slot has become free while a step was waiting for one."""
        self._wake.set()

    def stop(self) -> None:
        self._stopped = True
        self._wake.set()
        self._thread.join(timeout=5)
        self._poller.stop()
        self._presence.end()

    def _run(self) -> None:
        structlog.contextvars.bind_contextvars(worker=self._worker.name)
        while not self._stopped:
            nudged = self._wake.wait(TICK_SECONDS)
            self._wake.clear()
            try:
                self.tick(overdue_seconds=0 if nudged else OVERDUE_SECONDS)
            except (*AWAY, OperationalError, OSError):
                log.warning("dispatcher_tick_failed", exc_info=True)
            except Exception:
                log.exception("dispatcher_tick_failed_unexpectedly")

    def tick(self, overdue_seconds: float = OVERDUE_SECONDS) -> None:
        self._presence.tick()
        if self._ticks % COLLECT_EVERY_TICKS == 0:
            collect_leftovers(self._services)
            self._poller.rescue()
        self._ticks += 1
        self.reap()
        if self._worker.taking:
            self.send_overdue(overdue_seconds)
            self._poller.tick()
        if self._senders:
            outbox.deliver(self._services.works, self._senders)

    def reap(self) -> None:
        if self._just_awake():
            return
        with self._services.works.reading() as work:
            expired = queries.expired_steps(work.session)
        for step in expired:
            with self._services.works.writing() as work:
                if leases.reap(work, self._services, step):
                    log.warning("lease_reaped", step_id=step.id, owner=step.lease_owner)

    def _just_awake(self) -> bool:
        """After a pause of the machine every lease looks expired: its holders get time to beat first.

        By the clock that leases go by: ``monotonic`` stands still while a laptop sleeps.
        """
        now = self._clock()
        if now - self._reaped_at > PAUSED_SECONDS:
            self._patient_until = now + self._services.settings.lease_seconds / 2
        self._reaped_at = now
        return now < self._patient_until

    def send_overdue(self, overdue_seconds: float) -> None:
        """At most as many as this worker has free slots: a long queue must not grow in the broker."""
        limits = self._services.settings.limits
        for served, count in self._worker.slots.free():
            with self._services.works.reading() as work:
                kinds = self._worker.kinds
                full = worker_queries.full_queues(work.session, limits) if limits else frozenset()
                names = [queue for queue in served if queue not in full]
                steps = queries.ready_steps(work.session, names, kinds, count, overdue_seconds)
            for step in steps:
                self._services.messenger.send_step(step.id, step.queue)


def collect_work(worker: StepWorker) -> None:
    """Remove the working directories of steps that are over; a killed worker could not."""
    for directory in Path(worker.services.settings.home, "work").glob("step_*"):
        with worker.services.works.reading() as work:
            wanted = _wanted(work.session.get(Step, directory.name), queries.clock(work.session))
        if not wanted:
            shutil.rmtree(directory, ignore_errors=True)


def _wanted(step: Step | None, now: datetime) -> bool:
    if step is None:
        return False
    if step.state == StepState.FAILED and step.finished_at is not None:
        return now < step.finished_at + KEEP_FAILED
    return step.state in LIVE or step.state == StepState.BLOCKED
