"""A Celery worker for toy pipelines: ``celery -A tests.programs.toy_worker worker`` as in production, with
the toys' handlers connected."""

from functools import cache

from celery import Celery

from app.core.settings import Settings
from app.handlers import open_services
from tests.programs.installation import toy_services
from workers.celery_app import make_worker


def __getattr__(name: str) -> Celery:
    if name == "app":
        return _app()
    raise AttributeError(name)


@cache
def _app() -> Celery:
    return make_worker(toy_services(open_services(Settings(), "worker")))
