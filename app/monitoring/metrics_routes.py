"""``/metrics`` in Prometheus' text form, for whoever has a token: names of endpoints are not for strangers.

A scraper sends an ordinary token of the role viewer, so there is no second kind of secret, it can be revoked
like any other, and no address is trusted for where it comes from.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, ProcessCollector, generate_latest

from app.core.instruments import Instruments, instruments_of
from app.core.security import Role, requires
from app.monitoring.collector import DatabaseCollector

LOOK_SECONDS = 0.5


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    instruments: Instruments = app.state.instruments
    task = asyncio.create_task(_feel_the_loop(instruments))
    yield
    task.cancel()


async def _feel_the_loop(instruments: Instruments) -> None:
    """How late the loop comes back is what every request waits for before anything is done for it."""
    loop = asyncio.get_running_loop()
    while True:
        asked = loop.time()
        await asyncio.sleep(LOOK_SECONDS)
        instruments.lag.observe(max(0.0, loop.time() - asked - LOOK_SECONDS))


router = APIRouter(include_in_schema=False, lifespan=_lifespan)


def collect_for(app: FastAPI) -> None:
    """What is read at each scrape. Called once by whoever builds the application."""
    registry = app.state.instruments.registry
    registry.register(DatabaseCollector(app.state.services))
    ProcessCollector(registry=registry)


@router.get("/metrics")
@requires(Role.VIEWER)
def metrics(request: Request) -> Response:
    return Response(generate_latest(instruments_of(request).registry), media_type=CONTENT_TYPE_LATEST)
