"""``python -m workers.starting``: a worker alone, for a second machine or a container.

Everything it needs is asked for first: what is missing is said here in words, not in a log in an hour.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from sqlalchemy.exc import SQLAlchemyError

from app.core import migrations
from app.core.errors import FittingRoomError
from app.core.settings import Settings
from app.handlers import open_services
from app.runs.workers import queries as worker_queries
from app.runs.workers.storage_probe import storage_problem
from workers.broker import answers
from workers.devices import find_devices
from workers.preflight import Refusal
from workers.slots import GROUP_OF_QUEUE
from workers.stack import read_settings

OPTIONS = ("--without-gossip", "--without-mingle", "--loglevel", "WARNING")


def check(settings: Settings, queues: Sequence[str]) -> None:
    if unknown := [queue for queue in queues if queue not in GROUP_OF_QUEUE]:
        raise Refusal(f"There is no queue {unknown[0]!r}.\nServe some of {', '.join(GROUP_OF_QUEUE)}.")
    if list(queues) == ["gpu"] and not find_devices():
        raise Refusal(
            "This worker would serve gpu only, and no card was found on this machine.\n"
            "Serve other queues as well, or name the cards: FITTINGROOM_DEVICES=0,1"
        )
    _check_reachable(settings)
    _check_installation(settings)


def _check_reachable(settings: Settings) -> None:
    if settings.database_url and not settings.redis_url:
        raise Refusal(
            "REDIS_URL is missing: with a PostgreSQL of several machines goes a Redis of several machines."
        )
    if not settings.database_url and not (settings.home / "main.db").exists():
        raise Refusal(
            f"DATABASE_URL is missing, and {settings.home} holds no installation.\n"
            "A worker on another machine needs DATABASE_URL, REDIS_URL and FITTINGROOM_STORAGE; "
            "“fittingroom worker join” fetches them."
        )
    if not settings.redis_url and not answers(settings.broker_socket):
        raise Refusal(f"The installation in {settings.home} is not running: start it with make run.")


def _check_installation(settings: Settings) -> None:
    try:
        if migrations.head_differs(settings):
            raise Refusal(
                "The tables are of another version than this program.\n"
                "Bring program and database to the same version: fittingroom migrate, where the web runs."
            )
        services = open_services(settings)
        with services.works.reading() as work:
            revoked = bool(settings.worker_key) and worker_queries.is_revoked(
                work.session, settings.worker_key or ""
            )
        problem = storage_problem(services.works, services.storage)
        services.close()
    except SQLAlchemyError as error:
        raise Refusal(f"The database does not answer: {str(error).splitlines()[0]}") from None
    except FittingRoomError as error:
        raise Refusal(f"{error.message}\n{error.advice}") from None
    if revoked:
        raise Refusal("The key of this machine was revoked.\nAn administrator can invite it again.")
    if problem:
        raise Refusal(problem)


def start(arguments: Sequence[str]) -> NoReturn:
    """Becomes the worker. Raises Refusal, in plain words, where it could not work."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--queues", default="cpu,gpu,io")
    parser.add_argument("--slots", type=int)
    parser.add_argument("--app", default="workers.celery_app")  # of Celery; the tests have one with toys
    asked = parser.parse_args(arguments)
    queues = [queue.strip() for queue in asked.queues.split(",") if queue.strip()]
    check(read_settings(), queues)
    words = ["-m", "celery", "-A", asked.app, "worker", "-Q", ",".join(queues), *OPTIONS]
    words += ["-n", f"worker-{os.getpid()}@%h", *(["-c", str(asked.slots)] if asked.slots else [])]
    os.execv(sys.executable, [sys.executable, *words])  # noqa: S606 - no shell


def main() -> None:
    try:
        start(sys.argv[1:])
    except Refusal as refusal:
        sys.exit(f"fitting room: {refusal}")


if __name__ == "__main__":
    main()
