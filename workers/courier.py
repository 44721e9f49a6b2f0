"""A thread in each worker that carries to the cloud what was decided here, and looks after what stands there.

Neither the dispatcher nor a slot may wait for AWS: an upload takes minutes, an outage hours. All of it is
guarded by the database, so any number of couriers may be under way.
"""

import threading

import structlog

from app.core import outbox
from app.core.database import AWAY
from app.core.services import Services
from app.endpoints.cloud.tending import tend_due
from app.handlers import far_senders

log = structlog.get_logger()

LOOK_SECONDS = 2.0
AWAY_SECONDS = 30.0


class Courier:
    def __init__(self, services: Services, owner: str) -> None:
        self._services = services
        self._owner = owner
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """What is under way is not waited for: it is adopted by whoever comes next."""
        self._stop.set()

    def _run(self) -> None:
        structlog.contextvars.bind_contextvars(worker=self._owner)
        pause = LOOK_SECONDS
        while not self._stop.wait(pause):
            pause = LOOK_SECONDS
            try:
                if not self.look():
                    pause = AWAY_SECONDS
            except AWAY:
                log.warning("courier_waits", exc_info=True)
                pause = AWAY_SECONDS
            except Exception:
                log.exception("courier_failed_unexpectedly")
                pause = AWAY_SECONDS

    def look(self) -> bool:
        """False where something is left that could not be delivered."""
        works = self._services.works
        outbox.deliver(works, far_senders(self._services), far=True)
        tend_due(self._services)
        return not outbox.waiting(works, far=True)
