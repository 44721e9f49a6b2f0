"""Is the process alive, and is everything there that it needs?"""

import shutil
from typing import Any

import redis
from fastapi import APIRouter, Response
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.core import migrations
from app.core.security import public
from app.core.services import AppServices, Services
from app.core.settings import Settings

router = APIRouter(include_in_schema=False)

DISK_BYTES = 500_000_000  # less, and the next step would fail in the middle


@router.get("/livez")
@public("asked by whatever restarts the process; says nothing")
async def livez() -> dict[str, str]:
    """Touches nothing, takes no thread: it answers as long as the loop turns."""
    return {"status": "alive"}


@router.get("/readyz")
@public("asked by load balancers; says only which part is missing")
def readyz(services: AppServices, response: Response) -> dict[str, Any]:
    """Without the broker work waits but nothing is lost, so that alone is "degraded", not "unavailable"."""
    checks = {
        "database": _database(services),
        "disk": shutil.disk_usage(services.settings.home).free >= DISK_BYTES,
        "broker": _broker(services.settings),
    }
    usable = all(ok for name, ok in checks.items() if name != "broker")
    response.status_code = 200 if usable else 503
    status = "unavailable" if not usable else "ready" if checks["broker"] else "degraded"
    return {"status": status, "checks": checks}


def _database(services: Services) -> bool:
    """It answers, and its tables are those of this version."""
    try:
        with services.databases.telemetry.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
        return not migrations.behind(services.databases)
    except SQLAlchemyError:
        return False


def _broker(settings: Settings) -> bool:
    url = settings.broker_url.replace("redis+socket://", "unix://")
    try:
        with redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as broker:
            return bool(broker.ping())
    except redis.RedisError:
        return False
