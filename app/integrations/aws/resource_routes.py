"""Every resource that the product made at AWS, for administrators: look, delete one, delete all."""

from dataclasses import asdict, dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response

from app.core import lists
from app.core.addresses import address
from app.core.lists import Column, list_file
from app.core.pages import redirect, render
from app.core.security import CurrentActor, Role, requires
from app.core.services import AppServices, Reading, Writing
from app.core.snippets import Call, snippets
from app.integrations.aws import deeds, queries
from app.integrations.aws.config import row_of
from app.integrations.aws.deletion import ORDER
from app.integrations.aws.queries import ResourceFilter
from app.integrations.aws.view import (
    ResourceRow,
    deed_of,
    in_order_of_deletion,
    resource_json,
    resource_rows,
)

router = APIRouter(include_in_schema=False)

PAGE = "/settings/cloud/resources"
STATES = (("standing", "Standing"), ("troubled", "Could not be deleted"), ("deleted", "Deleted"))
FIELDS = (
    *("id", "kind", "name", "arn", "region", "state", "state_at", "subject_id", "made_by"),
    *("instance_type", "instance_count", "bills_by_the_hour", "dollars_per_hour"),
    *("created_at", "deleted_at", "problem"),
)
Word = Annotated[str, Query(max_length=200)]


def _column(name: str) -> Column[ResourceRow]:
    return Column(name, lambda row: resource_json(row)[name])


COLUMNS = tuple(_column(name) for name in FIELDS)


@dataclass(frozen=True)
class Filters:
    q: str = ""
    kind: str = ""
    state: str = "standing"

    @property
    def query(self) -> str:
        return address("", {**asdict(self), "state": "" if self.state == "standing" else self.state})

    @property
    def narrowed(self) -> ResourceFilter:
        return ResourceFilter(self.q, self.kind, self.state)


def filters(q: Word = "", kind: Word = "", state: Word = "standing") -> Filters:
    return Filters(q.strip(), kind, state)


Narrowed = Annotated[Filters, Depends(filters)]


@router.get("/settings/cloud/resources")
@requires(Role.ADMIN)
def resources_page(request: Request, work: Reading, services: AppServices, narrowed: Narrowed) -> Response:
    rows = resource_rows(work, services, queries.find_resources(work.session, narrowed.narrowed))
    standing = resource_rows(work, services, queries.standing(work.session))
    billing = [row for row in standing if row.bills]
    return render(
        request,
        "settings/cloud_resources.html",
        block="live",
        rows=rows,
        filters=narrowed,
        kinds=ORDER,
        states=STATES,
        standing=len(standing),
        billing=len(billing),
        dollars=sum(row.dollars_per_hour or 0 for row in billing),
        unknown=sum(row.dollars_per_hour is None for row in billing),
        set_up=row_of(work) is not None,
        snippets=snippets(
            request,
            Call("All resources", "GET", "/api/v1/cloud/resources", command="cloud resources"),
            Call("Compare with AWS", "POST", "/api/v1/cloud/looks", command="cloud resources --check"),
            Call("Delete all", "DELETE", "/api/v1/cloud/resources", command="cloud delete-all"),
        ),
        look=deed_of(work, deeds.LOOK),
        deletion=deed_of(work, deeds.DELETE),
    )


@router.get("/settings/cloud/resources.{form}")
@requires(Role.ADMIN)
def resources_file(work: Reading, services: AppServices, narrowed: Narrowed, form: lists.Form) -> Response:
    found = queries.find_resources(work.session, narrowed.narrowed, lists.LIMIT)
    return list_file(form, "cloud-resources", COLUMNS, resource_rows(work, services, found))


@router.post("/settings/cloud/looks")
@requires(Role.ADMIN)
def compare(work: Writing, actor: CurrentActor) -> Response:
    deeds.order(work, actor, deeds.LOOK)
    return redirect(PAGE, "A worker compares the list with what is at AWS.")


@router.get("/settings/cloud/resources/deletion")
@requires(Role.ADMIN)
def deletion_page(request: Request, work: Reading, services: AppServices) -> Response:
    rows = resource_rows(work, services, queries.standing(work.session))
    return render(request, "settings/cloud_deletion.html", rows=in_order_of_deletion(rows))


@router.post("/settings/cloud/resources/deletion")
@requires(Role.ADMIN)
def delete_all(work: Writing, actor: CurrentActor, expected: Annotated[int, Form(ge=0)]) -> Response:
    deeds.order_deletion(work, actor, expected=expected)
    return redirect(PAGE, f"A worker deletes {expected} resource{'s' if expected != 1 else ''} now.")


@router.post("/settings/cloud/resources/{resource_id}/deletion")
@requires(Role.ADMIN)
def delete_one(resource_id: str, work: Writing, actor: CurrentActor) -> Response:
    deeds.order_deletion(work, actor, only=resource_id)
    return redirect(PAGE, "A worker deletes it now.")
