"""The cloud over REST, for administrators: settings, permissions, policies, resources, prices."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from app.core.errors import NotFound
from app.core.security import CurrentActor, Role, requires
from app.core.services import AppServices, Reading, Writing
from app.integrations.aws import deeds, queries
from app.integrations.aws.config import row_of
from app.integrations.aws.errors import CloudNotSetUp
from app.integrations.aws.forms import CloudRequest, PriceRequest
from app.integrations.aws.pricing import price_rows, set_price
from app.integrations.aws.queries import ResourceFilter
from app.integrations.aws.setup import entered, policies_of, save_settings
from app.integrations.aws.view import deed_json, resource_json, resource_rows
from app.integrations.errands.queries import errand_by_id

router = APIRouter(prefix="/api/v1/cloud", tags=["cloud"])

Word = Annotated[str, Query(max_length=200)]


@router.get("")
@requires(Role.ADMIN)
def settings(work: Reading, services: AppServices) -> dict[str, Any]:
    """What was entered; never a credential, since none is."""
    row = row_of(work)
    if row is None:
        raise CloudNotSetUp
    about = {"installation_id": row.installation_id, "endpoint": services.settings.aws_endpoint}
    return {**entered(row), **about, "updated_at": row.updated_at}


@router.put("")
@requires(Role.ADMIN)
def change(wanted: CloudRequest, actor: CurrentActor, work: Writing) -> dict[str, Any]:
    row = save_settings(work, actor.id, wanted)
    return {**entered(row), "installation_id": row.installation_id}


@router.get("/policies")
@requires(Role.ADMIN)
def policies(work: Reading, services: AppServices) -> dict[str, Any]:
    return dict(policies_of(work, services))


@router.post("/checks", status_code=202)
@requires(Role.ADMIN)
def check(actor: CurrentActor, work: Writing) -> dict[str, Any]:
    """A worker tries each permission; what came of it is at ``/cloud/errands/{id}``."""
    return deed_json(deeds.order(work, actor, deeds.CHECK))


@router.post("/looks", status_code=202)
@requires(Role.ADMIN)
def compare(actor: CurrentActor, work: Writing) -> dict[str, Any]:
    return deed_json(deeds.order(work, actor, deeds.LOOK))


@router.get("/errands/{errand_id}")
@requires(Role.ADMIN)
def errand(errand_id: str, work: Reading) -> dict[str, Any]:
    found = errand_by_id(work.session, errand_id)
    if found is None or found.kind not in deeds.DOERS:
        raise NotFound("There is no such errand.", "Its id begins with er_.")
    return deed_json(found)


@router.get("/resources")
@requires(Role.ADMIN)
def resources(
    work: Reading, services: AppServices, q: Word = "", kind: Word = "", state: Word = "standing"
) -> dict[str, Any]:
    found = queries.find_resources(work.session, ResourceFilter(q, kind, state), 10_000)
    items = [resource_json(row) for row in resource_rows(work, services, found)]
    return {"items": items, "total": len(items), "next": None}


@router.delete("/resources", status_code=202)
@requires(Role.ADMIN)
def delete_all(actor: CurrentActor, work: Writing, expected: int | None = None) -> dict[str, Any]:
    """``expected`` is how many there should be: another number is refused."""
    return deed_json(deeds.order_deletion(work, actor, expected=expected))


@router.delete("/resources/{resource_id}", status_code=202)
@requires(Role.ADMIN)
def delete_one(resource_id: str, actor: CurrentActor, work: Writing) -> dict[str, Any]:
    return deed_json(deeds.order_deletion(work, actor, only=resource_id))


@router.get("/prices")
@requires(Role.ADMIN)
def prices(work: Reading, region: Word = "", q: Word = "") -> dict[str, Any]:
    items = [vars(row) for row in price_rows(work, region, q)]
    return {"items": items, "total": len(items), "next": None}


@router.put("/prices")
@requires(Role.ADMIN)
def enter_price(wanted: PriceRequest, actor: CurrentActor, work: Writing) -> dict[str, Any]:
    row = set_price(work, actor.id, wanted)
    return {**wanted.model_dump(), "dollars_per_hour": row.dollars_per_hour, "as_of": row.as_of}
