"""Telling the workers through Celery, from a process that loads none of the workers' code."""

from celery import Celery

from ml.contract.faults import faultpoint

EXECUTE_STEP = "execute_step"

TRANSPORT = {"socket_timeout": 5, "socket_connect_timeout": 5, "health_check_interval": 10}
# Without these kombu tried for 6 s to reach a broker that is away, in the middle of a request. The
# dispatcher re-sends what was lost, so once is enough.
ONCE = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}


class CeleryMessenger:
    """Sends the id of a ready step to its queue. Raises when the broker is away."""

    def __init__(self, broker_url: str) -> None:
        self._celery = Celery(broker=broker_url, set_as_current=False)
        self._celery.conf.update(
            task_ignore_result=True,
            task_publish_retry=False,
            broker_transport_options=TRANSPORT | ONCE,
        )

    def send_step(self, step_id: str, queue: str) -> None:
        faultpoint("message.send")
        self._celery.send_task(EXECUTE_STEP, (step_id,), queue=queue, retry=False)
