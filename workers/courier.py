"""A thread in each worker that carries to the cloud what was decided here, and looks after what stands there.

Neither the dispatcher nor a slot may wait for AWS: an upload takes minutes, an outage hours. All of it is
guarded by the database, so any number of couriers may be under way.
"""

import structlog

from app.core import outbox
from app.core.database import AWAY
from app.core.services import Services
from app.endpoints.cloud.tending import tend_due
from app.handlers import far_senders
from workers.background import Background

log = structlog.get_logger()

LOOK_SECONDS = 2.0
AWAY_SECONDS = 30.0


class Courier(Background):
    def __init__(self, services: Services, owner: str) -> None:
        super().__init__("courier", owner, LOOK_SECONDS)
        self._services = services

    def turn(self) -> float:
        try:
            return LOOK_SECONDS if self.look() else AWAY_SECONDS
        except AWAY:
            log.warning("courier_waits", exc_info=True)
        except Exception:
            log.exception("courier_failed_unexpectedly")
        return AWAY_SECONDS

    def look(self) -> bool:
        """False where something is left that could not be delivered."""
        works = self._services.works
        outbox.deliver(works, far_senders(self._services), far=True)
        tend_due(self._services)
        return not outbox.waiting(works, far=True)
