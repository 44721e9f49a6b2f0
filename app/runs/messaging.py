"""Telling the workers through Celery, from a process that loads none of the workers' code."""

import time
from collections.abc import Callable

from celery import Celery
from kombu.exceptions import OperationalError

from ml.contract.faults import faultpoint

EXECUTE_STEP = "execute_step"

TRANSPORT = {"socket_timeout": 5, "socket_connect_timeout": 5, "health_check_interval": 10}
# Without these kombu tried for 6 s to reach a broker that is away, in the middle of a request. The
# dispatcher re-sends what was lost, so once is enough.
ONCE = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}
SHORTLY = {"socket_timeout": 2, "socket_connect_timeout": 2}
PAUSE_SECONDS = 3.0


class BrokerAway(OperationalError):
    """It did not answer a moment ago, so it was not asked again."""


class CeleryMessenger:
    """Sends the id of a ready step to its queue. Raises when the broker is away.

    Of a broker that hangs only one request in a while finds out: the others would each wait for it too.
    """

    def __init__(self, broker_url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._away_until = 0.0
        self._celery = Celery(broker=broker_url, set_as_current=False)
        self._celery.conf.update(
            task_ignore_result=True,
            task_publish_retry=False,
            broker_transport_options=TRANSPORT | ONCE | SHORTLY,
        )

    def send_step(self, step_id: str, queue: str) -> None:
        if self._clock() < self._away_until:
            raise BrokerAway("the broker did not answer a moment ago")
        faultpoint("message.send")
        try:
            self._celery.send_task(EXECUTE_STEP, (step_id,), queue=queue, retry=False)
        except OperationalError:
            self._away_until = self._clock() + PAUSE_SECONDS
            raise
