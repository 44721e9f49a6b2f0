"""``celery -A workers.celery_app worker -Q cpu,gpu,io``: Celery distributes, the database decides.

A message is acknowledged before its step starts, so no visibility timeout can bite an hour-long training:
what a dead worker held comes back by its lease, and a lost message costs seconds.
"""

import os
import socket
from collections.abc import Sequence
from functools import cache
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_init, worker_ready, worker_shutdown, worker_shutting_down
from kombu.transport.redis import Channel as RedisChannel

from app.core.logs import configure_logs
from app.core.services import Services
from app.core.settings import Settings
from app.core.storage import check_at_start
from app.handlers import errand_doers, open_services, outbox_senders
from app.runs.messaging import EXECUTE_STEP, TRANSPORT
from workers.courier import Courier
from workers.devices import Cards, find_devices, locks_directory
from workers.dispatch import Dispatcher
from workers.errands import Errands
from workers.housekeeping import Housekeeper
from workers.presence import Presence
from workers.slots import Slots, sizes_for
from workers.steps import StepWorker

SLOTS = 3  # of a worker for all queues: one heavy step and two light ones; ``-c`` changes it


def __getattr__(name: str) -> Celery:
    """Celery's command line asks this module for ``app``; nothing is built before it does."""
    if name == "app":
        return _app()
    raise AttributeError(name)


@cache
def _app() -> Celery:
    return make_worker(open_services(Settings(), "worker"))


def make_worker(services: Services) -> Celery:
    """Called once by the program that is this worker."""
    configure_logs(services.settings.log_level)
    check_at_start(services.storage)
    # Without a listener Celery would write its own lines in a form of its own.
    setup_logging.connect(lambda **_: None, weak=False)
    celery = make_celery(services.settings)
    connect(celery, services)
    return celery


def make_celery(settings: Settings) -> Celery:
    celery = Celery("fittingroom", broker=settings.broker_url, set_as_current=False)
    celery.conf.update(
        worker_pool="workers.pool:WakingPool",  # threads supervise child processes, share the stop flag
        worker_concurrency=SLOTS,
        worker_disable_prefetch=True,  # without it messages sat in a busy worker while another was idle
        worker_prefetch_multiplier=1,
        task_acks_late=False,
        task_ignore_result=True,
        task_publish_retry=False,
        task_default_queue="io",
        accept_content=["json"],
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options=TRANSPORT,
    )
    # A connection that broke while a message was being acknowledged: kombu would put the message back over
    # the very connection that it has just forgotten, and the worker ended. The dispatcher sends it again.
    RedisChannel.do_restore = False
    return celery


def connect(celery: Celery, services: Services) -> None:
    """Celery's signals on one side, the worker of steps on the other; weak ones would be forgotten."""

    def init(sender: Any, **_: object) -> None:
        worker = step_worker(services, sender)
        worker.problem = "It has not looked at the storage yet."
        receiver = Receiver(worker.slots.queues)
        # A joined machine has a home of its own; what belongs into the installation's is sent from there.
        senders = {} if services.settings.worker_key else outbox_senders(services)
        dispatcher = Dispatcher(worker, senders, presence=Presence(worker, receiver.receive))
        register(celery, worker, dispatcher)
        # Within a signal handler: a flag and nothing else.
        worker_shutting_down.connect(lambda **_: worker.stopping.request(), weak=False)
        worker_ready.connect(lambda sender, **_: receiver.begin(sender, dispatcher), weak=False)
        worker_shutdown.connect(lambda **_: dispatcher.stop(), weak=False)
        if not services.settings.worker_key:
            # Credentials for AWS are the installation's too.
            for thread in (
                Housekeeper(services, worker.name),
                Courier(services, worker.name),
                Errands(services, errand_doers(), worker.name),
            ):
                worker_ready.connect(lambda thread=thread, **_: thread.start(), weak=False)
                worker_shutdown.connect(lambda thread=thread, **_: thread.stop(), weak=False)

    worker_init.connect(init, weak=False)


def step_worker(services: Services, controller: Any) -> StepWorker:
    """Of the queues that Celery was told, those that this machine can serve: gpu only with a card."""
    told = list(controller.app.amqp.queues.consume_from)
    cards = Cards(find_devices() if "gpu" in told else (), locks_directory())
    slots = Slots(told, sizes_for(told, controller.concurrency, len(cards.names)))
    if not slots.queues:
        raise SystemExit("No card was found on this machine, and this worker was told to serve nothing else.")
    # Else its messages would come here to be dropped.
    controller.app.amqp.queues.deselect(sorted(set(told) - set(slots.queues)))
    controller.concurrency = slots.total  # a thread for each slot
    return StepWorker(services, f"{socket.gethostname()}-{os.getpid()}", slots, cards)


class Receiver:
    """Celery's consumer, as far as a draining worker is concerned with it."""

    def __init__(self, queues: Sequence[str]) -> None:
        self._queues = queues
        self._consumer: Any = None

    def begin(self, consumer: Any, dispatcher: Dispatcher) -> None:
        self._consumer = consumer
        dispatcher.start()

    def receive(self, wanted: bool) -> None:
        """Done in the consumer's own thread, which owns the connection."""
        how = self._consumer.add_task_queue if wanted else self._consumer.cancel_task_queue
        for queue in self._queues:
            self._consumer.call_soon(how, queue)


def register(celery: Celery, worker: StepWorker, dispatcher: Dispatcher) -> None:
    @celery.task(name=EXECUTE_STEP)  # type: ignore[untyped-decorator]
    def execute_step(step_id: str) -> None:
        if worker.execute(step_id):
            dispatcher.nudge()
