"""The pages of data sets. Every form works without a script."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app.core.pages import render
from app.core.security import CurrentActor, Role, requires
from app.core.services import AppServices, Reading
from app.core.snippets import Call, snippets
from app.datasets import list_routes, service, upload_routes, version_routes
from app.datasets.aws import routes as aws_routes
from app.datasets.dataset_page import dataset_page

router = APIRouter(include_in_schema=False)
router.include_router(list_routes.router)
router.include_router(upload_routes.router)
router.include_router(version_routes.router)
router.include_router(aws_routes.router)


@router.get("/datasets/{dataset}")
@requires(Role.VIEWER)
def show(
    request: Request, work: Reading, services: AppServices, actor: CurrentActor, dataset: str
) -> Response:
    found = service.find_dataset(work, dataset)
    path = f"/api/v1/datasets/{found.id}"
    return render(
        request,
        "datasets/dataset.html",
        page=dataset_page(work, services, found),
        may_edit=actor.may(Role.EDITOR),
        snippets=snippets(
            request, Call("This data set", "GET", path, command=f"dataset show '{found.name}'")
        ),
    )
