"""Builds the application that only predicts: ``python -m app.serve predict``.

Its processes answer one address of the REST API, so a load of predictions never waits for the dashboard, nor
the dashboard for it. Each follows the database by itself: what is deployed or stopped anywhere is loaded or
let go within a second, and its files are compared with their hashes before it answers.
"""

from fastapi import APIRouter, FastAPI

from app import health, web
from app.core.services import Services
from app.endpoints import api
from app.monitoring import metrics_routes

router = APIRouter(lifespan=api.router.lifespan_context)
router.add_api_route("/api/v1/endpoints/{endpoint}/predict", api.predict, methods=["POST"])


def create(services: Services | None = None) -> FastAPI:
    """The application; with ``services`` given, whoever gave them closes them."""
    return web.create(services, (health.router, metrics_routes.router, router))
