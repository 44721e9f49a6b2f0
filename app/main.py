"""Builds the web application: ``python -m app.serve web``, or ``uvicorn --factory app.main:create``."""

import hashlib
from functools import cache
from pathlib import Path

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from app import health, web
from app import help as help_pages
from app.accounts import api as accounts_api
from app.accounts import audit_pages as accounts_audit_pages
from app.accounts import routes as accounts_routes
from app.accounts import settings as accounts_settings
from app.accounts import token_pages as accounts_token_pages
from app.accounts import user_pages as accounts_user_pages
from app.core.pages import environment
from app.core.security import Role, requires
from app.core.services import Services
from app.core.storage import check_at_start
from app.datasets import api as datasets_api
from app.datasets import routes as datasets_routes
from app.datasets.aws import api as datasets_aws_api
from app.endpoints import api as endpoints_api
from app.endpoints import predict_routes as endpoints_predict_routes
from app.endpoints import routes as endpoints_routes
from app.home import routes as home_routes
from app.home.nav import count_for_nav
from app.integrations.aws import api as cloud_api
from app.integrations.aws import price_routes as cloud_price_routes
from app.integrations.aws import resource_routes as cloud_resource_routes
from app.integrations.aws import routes as cloud_routes
from app.keeping import api as keeping_api
from app.keeping import routes as keeping_routes
from app.monitoring import api as monitoring_api
from app.monitoring import metrics_routes as monitoring_metrics_routes
from app.monitoring import routes as monitoring_routes
from app.notices import api as notices_api
from app.notices import routes as notices_routes
from app.registry import api as registry_api
from app.registry import approval_routes as registry_approval_routes
from app.registry import routes as registry_routes
from app.registry import version_routes as registry_version_routes
from app.registry.cloud import api as registry_cloud_api
from app.registry.cloud import routes as registry_cloud_routes
from app.runs import api as runs_api
from app.runs import stream as runs_stream
from app.runs.compare import routes as compare_routes
from app.runs.features import api as features_api
from app.runs.features import routes as features_routes
from app.runs.launch_form import routes as launch_routes
from app.runs.listing import routes as list_routes
from app.runs.pipelines import routes as pipeline_routes
from app.runs.recipes import api as recipes_api
from app.runs.recipes import routes as recipe_routes
from app.runs.report import routes as report_routes
from app.runs.run_page import bundles
from app.runs.run_page import routes as runs_routes
from app.runs.workers import api as worker_api
from app.runs.workers import routes as worker_routes
from app.search import api as search_api
from app.search import routes as search_routes

STATIC = Path(__file__).parents[1] / "static"
ROUTERS = (
    health.router,
    home_routes.router,
    help_pages.router,
    accounts_routes.router,
    accounts_settings.router,
    accounts_token_pages.router,
    accounts_user_pages.router,
    accounts_audit_pages.router,
    accounts_api.router,
    datasets_routes.router,
    datasets_api.router,
    datasets_aws_api.router,
    compare_routes.router,
    list_routes.router,
    launch_routes.router,
    recipe_routes.router,
    pipeline_routes.router,
    runs_routes.router,
    report_routes.router,
    bundles.router,
    runs_api.router,
    features_routes.router,
    features_api.router,
    recipes_api.router,
    runs_stream.router,
    worker_api.router,
    worker_routes.router,
    cloud_routes.router,
    cloud_resource_routes.router,
    cloud_price_routes.router,
    cloud_api.router,
    keeping_routes.router,
    keeping_api.router,
    registry_routes.router,
    registry_version_routes.router,
    registry_approval_routes.router,
    registry_api.router,
    registry_cloud_routes.router,
    registry_cloud_api.router,
    endpoints_routes.router,
    endpoints_predict_routes.router,
    endpoints_api.router,
    monitoring_metrics_routes.router,
    monitoring_routes.router,
    monitoring_api.router,
    search_routes.router,
    search_api.router,
    notices_routes.router,
    notices_api.router,
)


def create(services: Services | None = None) -> FastAPI:
    """The application; with ``services`` given, whoever gave them closes them."""
    app = web.create(services, ROUTERS, Depends(count_for_nav))
    check_at_start(app.state.services.storage)  # whoever only predicts never writes there
    app.state.jinja = environment()
    app.state.jinja.globals["static"] = _static_address
    app.add_api_route("/api/v1/openapi.json", _openapi, include_in_schema=False)
    app.mount("/static", _Static(directory=STATIC), name="static")
    return app


@requires(Role.VIEWER)
def _openapi(request: Request) -> JSONResponse:
    app: FastAPI = request.app
    schema = app.openapi()
    paths = {path: item for path, item in schema["paths"].items() if path.startswith("/api/")}
    return JSONResponse({**schema, "paths": paths})


@cache
def _static_address(path: str) -> str:
    """The file's address with a part of its hash, so that browsers may keep it for ever."""
    file = STATIC / path
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:10] if file.exists() else "missing"
    return f"/static/{path}?v={digest}"


class _Static(StaticFiles):
    """Files with a hash in their address are kept for a year, the others are asked for again."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        versioned = scope["query_string"].startswith(b"v=") and response.status_code == 200
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if versioned else "no-cache"
        return response
