"""A thread in each worker that does the recurring chores which are due, and leaves the slots alone."""

import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.core.services import Services
from app.monitoring.chores import run_due
from workers.background import Background

log = structlog.get_logger()

LOOK_SECONDS = 30.0


class Housekeeper(Background):
    def __init__(self, services: Services, owner: str) -> None:
        super().__init__("housekeeper", owner, LOOK_SECONDS)
        self._services = services

    def turn(self) -> float:
        try:
            run_due(self._services, self._owner)
        except SQLAlchemyError:
            log.warning("housekeeping_failed", exc_info=True)
        return LOOK_SECONDS
