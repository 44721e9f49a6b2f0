"""What a worker tells of itself in its row, and what it is told there: to drain, to leave, to stop."""

import os
import signal
import socket
from collections.abc import Callable

import structlog

from app.runs import places, queries
from app.runs.tables import Worker
from app.runs.versions import own_version
from app.runs.workers import queries as worker_queries
from app.runs.workers.storage_probe import storage_problem
from workers.steps import StepWorker

log = structlog.get_logger()

SEEN_EVERY_TICKS = 10


def end_gently() -> None:
    """As from outside: Celery stops receiving, what runs is handed back, the row is deleted."""
    os.kill(os.getpid(), signal.SIGTERM)


class Presence:
    """``receive(False)`` stops messages from coming in: a draining worker would only drop them."""

    def __init__(
        self,
        worker: StepWorker,
        receive: Callable[[bool], None] = lambda _: None,
        end: Callable[[], None] = end_gently,
    ) -> None:
        self._worker = worker
        self._services = worker.services
        self._receive = receive
        self._end = end
        self._ticks = 0

    def tick(self) -> None:
        """Told each second, shown every ten."""
        if self._ticks % SEEN_EVERY_TICKS == 0:
            self._show()
        self._ticks += 1
        self._heed()

    def end(self) -> None:
        with self._services.works.writing() as work:
            if row := work.session.get(Worker, self._worker.name):
                work.session.delete(row)

    def _show(self) -> None:
        self._look_at_storage()
        # A container that starts again has the name that it had before, and drains no more.
        self._write(**({} if self._ticks else {"draining": False, "leaving": False}))
        with self._services.works.reading() as work:
            stranded = places.GPU in worker_queries.queues_without_worker(work.session)
        if stranded:
            self._rescue()

    def _look_at_storage(self) -> None:
        problem = storage_problem(self._services.works, self._services.storage)
        if problem and problem != self._worker.problem:
            log.error("storage_unusable", problem=problem)
        self._worker.problem = problem

    def _rescue(self) -> None:
        """Runs that leave the choice to us don't wait for a card that has gone away."""
        with self._services.works.writing() as work:
            if count := worker_queries.leave_queue(work.session, places.GPU, places.CPU, places.AUTO):
                log.info("steps_left_the_queue_gpu", count=count)

    def _write(self, **told: bool) -> None:
        """What isn't named here is not ours to write: an administrator may just be writing it."""
        worker = self._worker
        with self._services.works.writing() as work:
            worker_queries.forget_silent(work.session)
            work.session.merge(
                Worker(
                    id=worker.name,
                    host=socket.gethostname(),
                    pid=os.getpid(),
                    queues=list(worker.slots.queues),
                    slots=worker.slots.sizes,
                    kinds=worker.kinds,
                    devices=list(worker.cards.names),
                    version=own_version(),
                    busy=worker.slots.busy,
                    problem=worker.problem or None,
                    key_id=self._services.settings.worker_key,
                    seen_at=queries.clock(work.session),
                    **told,
                )
            )

    def _heed(self) -> None:
        with self._services.works.reading() as work:
            row = work.session.get(Worker, self._worker.name)
            key = self._services.settings.worker_key
            revoked = key is not None and worker_queries.is_revoked(work.session, key)
        if row is not None and row.draining != self._worker.draining:
            log.info("draining" if row.draining else "resumed")
            self._worker.draining = row.draining
            self._receive(not row.draining)
        done = row is not None and row.leaving and row.draining and not self._worker.slots.busy
        if (revoked or done) and not self._worker.stopping.requested:
            log.warning("leaving", revoked=revoked)
            self._worker.stopping.request()
            self._end()
