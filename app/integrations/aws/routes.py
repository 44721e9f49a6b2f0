"""The settings of the cloud, for administrators: what is entered, what it may, which policies it needs."""

import json
from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from app.core.pages import redirect, render
from app.core.security import CurrentActor, Role, requires
from app.core.services import AppServices, Reading, Services, Writing
from app.core.snippets import Call, snippets
from app.core.work import Work
from app.integrations.aws import deeds, queries
from app.integrations.aws.config import config_of, row_of
from app.integrations.aws.forms import CloudRequest
from app.integrations.aws.policy import policies
from app.integrations.aws.setup import UnusableCloudSettings, entered, policies_of, save_settings
from app.integrations.aws.view import deed_of

router = APIRouter(include_in_schema=False)

PAGE = "/settings/cloud"
CALLS = (
    Call("The settings", "GET", "/api/v1/cloud", command="cloud show"),
    Call("Check permissions", "POST", "/api/v1/cloud/checks", command="cloud check"),
    Call("The policies", "GET", "/api/v1/cloud/policies", command="cloud policy caller"),
    Call("Resources", "GET", "/api/v1/cloud/resources", command="cloud resources"),
)


@router.get("/settings/cloud")
@requires(Role.ADMIN)
def cloud_page(request: Request, work: Reading, services: AppServices) -> Response:
    row = row_of(work)
    values = entered(row) if row else CloudRequest().model_dump()
    return _page(request, work, services, values, {})


@router.post("/settings/cloud")
@requires(Role.ADMIN)
def save(
    request: Request, services: AppServices, actor: CurrentActor, wanted: Annotated[CloudRequest, Form()]
) -> Response:
    try:
        with services.works.writing() as work:
            save_settings(work, actor.id, wanted)
    except UnusableCloudSettings as error:
        with services.works.reading() as work:
            return _page(request, work, services, wanted.model_dump(), error.problems)
    return redirect(PAGE, "The cloud's settings were saved. Check now what they permit.")


@router.post("/settings/cloud/checks")
@requires(Role.ADMIN)
def check(work: Writing, actor: CurrentActor) -> Response:
    deeds.order(work, actor, deeds.CHECK)
    return redirect(f"{PAGE}#check", "A worker checks each permission now.")


@router.get("/settings/cloud/policies/{name}.json")
@requires(Role.ADMIN)
def policy_file(
    work: Reading, services: AppServices, name: Literal["caller", "execution", "trust"]
) -> Response:
    document = json.dumps(policies_of(work, services)[name], indent=2)
    headers = {"Content-Disposition": f'attachment; filename="fittingroom-{name}.json"'}
    return Response(document, media_type="application/json", headers=headers)


def _page(
    request: Request,
    work: Work,
    services: Services,
    values: Mapping[str, object],
    problems: Mapping[str, str],
) -> Response:
    config = config_of(work, services.settings)
    documents = policies(config) if config else {}
    return render(
        request,
        "settings/cloud.html",
        block="check",
        status=422 if problems else 200,
        values=values,
        problems=problems,
        config=config,
        endpoint=services.settings.aws_endpoint,
        check=deed_of(work, deeds.CHECK),
        standing=len(queries.standing(work.session)),
        policies={name: json.dumps(document, indent=2) for name, document in documents.items()},
        snippets=snippets(request, *CALLS),
    )
