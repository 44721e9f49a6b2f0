"""What every web process of the product has, whichever of its routes it answers."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version

import anyio.to_thread
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.params import Depends as Dependency
from fastapi.responses import Response
from sqlalchemy.exc import DataError, IntegrityError, InternalError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from app.accounts.access import authenticate, authorize
from app.core import problems
from app.core.boundary import Boundary
from app.core.database import CONNECTIONS
from app.core.errors import FittingRoomError
from app.core.instruments import Instruments
from app.core.logs import configure_logs
from app.core.services import Services
from app.core.settings import Settings
from app.handlers import open_services
from app.monitoring.draining import AskingToClose, Leaving
from app.monitoring.metrics_routes import collect_for
from app.monitoring.requests import Observed

OF_THE_DATABASE = (PoolTimeout, OperationalError, InternalError, DataError, IntegrityError)
REFUSALS = (FittingRoomError, HTTPException, RequestValidationError, *OF_THE_DATABASE)


def create(services: Services | None, routers: Sequence[APIRouter], *dependencies: Dependency) -> FastAPI:
    """An application of these routers: nobody passes unasked, and all refusals have one form."""
    services = services or open_services(Settings(), "web")
    configure_logs(services.settings.log_level)
    app = FastAPI(
        title="Fitting Room",
        version=version("fittingroom"),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        dependencies=[Depends(authorize), *dependencies],
        lifespan=_lifespan,
    )
    app.state.services = services
    app.state.instruments = Instruments()
    app.state.leaving = Leaving(services.settings.drain_seconds, services.watcher)
    for refusal in REFUSALS:
        app.add_exception_handler(refusal, _refuse)
    for router in routers:
        app.include_router(router)
    collect_for(app)
    app.add_middleware(Boundary, settings=services.settings)
    app.add_middleware(AskingToClose, leaving=app.state.leaving)
    app.add_middleware(Observed, instruments=app.state.instruments)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    # As many threads as connections: more would only queue for one, each holding what it has already.
    anyio.to_thread.current_default_thread_limiter().total_tokens = CONNECTIONS
    app.state.leaving.listen()
    yield
    app.state.leaving.forget()
    await app.state.services.watcher.close()


def _refuse(request: Request, error: Exception) -> Response:
    """Also for paths that no route matched, where nobody has asked yet who this is."""
    if not hasattr(request.state, "actor"):
        try:
            request.state.actor = authenticate(request)
        except (FittingRoomError, SQLAlchemyError):
            request.state.actor = None
    return problems.answer(request, error)
