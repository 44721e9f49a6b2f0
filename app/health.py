"""Is the process alive, and is everything there that it needs?

Anybody may ask, and learns only which part is missing; an administrator is told why.
"""

import shutil
from collections.abc import Mapping
from typing import Any, NamedTuple

import redis
from fastapi import APIRouter, Request, Response
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.core import migrations
from app.core.errors import FittingRoomError
from app.core.pages import size
from app.core.security import Actor, Role, public
from app.core.services import AppServices, Services
from app.core.settings import Settings
from app.monitoring.draining import leaving_of
from app.runs.workers import queries as worker_queries

router = APIRouter(include_in_schema=False)

DISK_BYTES = 500_000_000  # less, and the next step would fail in the middle
# Without these work waits, but nothing is lost and pages answer: taking every process out would not help.
DISPENSABLE = frozenset({"broker", "storage"})


class Check(NamedTuple):
    ok: bool
    detail: str


@router.get("/livez")
@public("asked by whatever restarts the process; says nothing")
async def livez() -> dict[str, str]:
    """Touches nothing, takes no thread: it answers as long as the loop turns."""
    return {"status": "alive"}


@router.get("/readyz")
@public("asked by load balancers; says only which part is missing")
def readyz(request: Request, services: AppServices, response: Response) -> dict[str, Any]:
    checks = examine(services)
    if leaving_of(request).now:
        checks["staying"] = Check(False, "This process was told to stop: it still answers, then ends.")
    status = _status(checks)
    response.status_code = 503 if status == "unavailable" else 200
    answer: dict[str, Any] = {"status": status, "checks": {name: check.ok for name, check in checks.items()}}
    actor: Actor | None = request.state.actor
    if actor and actor.may(Role.ADMIN):
        answer["details"] = {name: check.detail for name, check in checks.items()}
    return answer


def _status(checks: Mapping[str, Check]) -> str:
    missing = {name for name, check in checks.items() if not check.ok}
    if missing - DISPENSABLE:
        return "unavailable"
    return "degraded" if missing else "ready"


def examine(services: Services) -> dict[str, Check]:
    return {
        "database": _database(services),
        "migrations": _migrations(services),
        "disk": _disk(services.settings),
        "storage": _storage(services),
        "broker": _broker(services.settings),
    }


def _database(services: Services) -> Check:
    try:
        for database in (services.databases.main, services.databases.telemetry):
            with database.engine.connect() as connection:
                connection.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        return Check(False, _first_line(error))
    return Check(True, services.databases.main.engine.dialect.name)


def _migrations(services: Services) -> Check:
    try:
        behind = migrations.behind(services.databases)
    except SQLAlchemyError as error:
        return Check(False, _first_line(error))
    if behind:
        return Check(False, "The tables are of another version. Type: fittingroom migrate")
    return Check(True, "The tables are those of this version.")


def _disk(settings: Settings) -> Check:
    free = shutil.disk_usage(settings.home).free
    return Check(free >= DISK_BYTES, f"{size(free)} free in {settings.home}")


def _storage(services: Services) -> Check:
    """Asked for the one file that every process of this installation must find."""
    try:
        with services.works.reading() as work:
            probe = worker_queries.probe(work.session)
        if probe is not None and not services.storage.has(probe):
            return Check(False, "It is not the storage of this installation: its probe is missing.")
    except (FittingRoomError, SQLAlchemyError, OSError) as error:
        return Check(False, _first_line(error))
    return Check(True, type(services.storage).__name__)


def _broker(settings: Settings) -> Check:
    url = settings.broker_url.replace("redis+socket://", "unix://")
    try:
        with redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as broker:
            broker.ping()
    except redis.RedisError as error:
        return Check(False, _first_line(error))
    return Check(True, "It answers.")


def _first_line(error: Exception) -> str:
    """An error of a database tells the address, never the password."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__
