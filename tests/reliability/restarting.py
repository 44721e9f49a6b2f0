"""What scenarios of faults do with the product: open it without a broker, work off what is ready, restart."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select, update

from app.core.database import now
from app.core.services import Services
from app.core.settings import Settings
from app.handlers import open_services, outbox_senders
from app.runs import service
from app.runs.launch import RunLauncher
from app.runs.messaging import CeleryMessenger
from app.runs.states import RunStatus, StepState
from app.runs.tables import Run, Step
from ml.pipeline.catalogue import PIPELINES
from workers.dispatch import Dispatcher, collect_work
from workers.leftovers import collect_leftovers
from workers.slots import HEAVY, LIGHT, Slots
from workers.steps import StepWorker

SOMEBODY = "usr_1"
MESSAGES = 50
TRIES = 4  # of a person who presses Retry after each failure that was injected


def settings_of(home: Path) -> Settings:
    return Settings(home=home, sample=None, database_url=None, redis_url=None, lease_seconds=60)


def open_at(home: Path) -> Services:
    """The messages really go through Celery, to a broker in memory that nobody reads."""
    services = open_services(settings_of(home))
    messenger = CeleryMessenger("memory://")
    return replace(services, messenger=messenger, launcher=RunLauncher(PIPELINES, messenger))


def work_off(services: Services, name: str) -> None:
    """One worker with its dispatcher, until nothing is ready."""
    worker = StepWorker(services, name, Slots(("cpu", "gpu", "io"), {HEAVY: 1, LIGHT: 1}))
    collect_work(worker)
    dispatcher = Dispatcher(worker, outbox_senders(services))
    dispatcher.tick(overdue_seconds=0)
    for _ in range(MESSAGES):
        if not (step := _next(services)):
            return
        worker.execute(step)
        dispatcher.tick(overdue_seconds=0)
    raise RuntimeError("a step stays ready for ever")


def _next(services: Services) -> str | None:
    with services.works.reading() as work:
        due = Step.not_before.is_(None)
        return work.session.scalars(select(Step.id).where(Step.state == StepState.READY, due)).first()


def let_time_pass(services: Services) -> None:
    """Leases run out and pauses between two attempts end, as they would while a person looks on."""
    with services.works.writing() as work:
        leased = update(Step).where(Step.state == StepState.LEASED)
        work.session.execute(leased.values(lease_until=now(-1)))
        work.session.execute(update(Step).values(not_before=None))


def finish_all(services: Services, after: Callable[[Run], None] = lambda _run: None) -> None:
    """A sound worker finishes what was left; what had failed is retried, as its message advises."""
    for _ in range(TRIES):
        let_time_pass(services)
        work_off(services, "sound")
        with services.works.reading() as work:
            failed = list(work.session.scalars(select(Run).where(Run.status == RunStatus.FAILED)))
        if not failed:
            break
        for run in failed:
            assert run.message, "a run that failed says why"
            print("failed:", run.message)
            after(run)
            with services.works.writing() as work:
                service.retry(work, services, run.id, SOMEBODY)
    work_off(services, "collecting")


def sweep(services: Services) -> None:
    """As a day later."""
    collect_leftovers(services, keep=timedelta(0))
