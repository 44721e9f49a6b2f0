"""A thread in each worker that does the recurring chores which are due, and leaves the slots alone."""

import threading

import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.core.services import Services
from app.monitoring.chores import run_due

log = structlog.get_logger()

LOOK_SECONDS = 30.0


class Housekeeper:
    def __init__(self, services: Services, owner: str) -> None:
        self._services = services
        self._owner = owner
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """A chore under way is not waited for: it is done again by somebody else."""
        self._stop.set()

    def _run(self) -> None:
        structlog.contextvars.bind_contextvars(worker=self._owner)
        while not self._stop.wait(LOOK_SECONDS):
            try:
                run_due(self._services, self._owner)
            except SQLAlchemyError:
                log.warning("housekeeping_failed", exc_info=True)
