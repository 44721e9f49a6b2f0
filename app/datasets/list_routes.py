"""The list of data sets, and the sample for those who have none."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app.core.lists import Form, list_file
from app.core.pages import redirect, render
from app.core.security import CurrentActor, Role, requires
from app.core.services import AppServices, Reading
from app.core.snippets import Call, snippets
from app.datasets import samples
from app.datasets.listing import COLUMNS, all_rows, asked_of, list_page
from app.datasets.version_page import address_of

router = APIRouter(include_in_schema=False)


@router.get("/datasets")
@requires(Role.VIEWER)
def datasets_list(request: Request, work: Reading, actor: CurrentActor) -> Response:
    asked = asked_of(request.query_params)
    return render(
        request,
        "datasets/list.html",
        block="table",
        page=list_page(work, asked, actor.may(Role.EDITOR)),
        may_edit=actor.may(Role.EDITOR),
        snippets=snippets(request, Call("List data sets", "GET", "/api/v1/datasets", command="dataset ls")),
    )


@router.get("/datasets.{form}")
@requires(Role.VIEWER)
def datasets_file(request: Request, work: Reading, form: Form) -> Response:
    return list_file(form, "datasets", COLUMNS, all_rows(work, asked_of(request.query_params)))


@router.post("/datasets/sample")
@requires(Role.EDITOR)
def load_sample(services: AppServices, actor: CurrentActor) -> Response:
    named = samples.load(services, actor)
    return redirect(address_of(named), f"The sample is loaded as {named.dataset.name}.")
