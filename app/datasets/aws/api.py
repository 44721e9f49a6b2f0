"""REST below /api/v1/datasets/{dataset}/versions/{number}: a version in AWS, and questions to it."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from app.core.errors import Invalid
from app.core.security import CurrentActor, Role, requires
from app.core.services import AppServices, Reading, Writing
from app.datasets import service
from app.datasets.aws import asking, sending, views
from app.datasets.aws.asking import ASK, SQL_LIMIT
from app.integrations.errands import queries
from app.integrations.errands import service as errands
from app.integrations.errands.views import errand_json

router = APIRouter(prefix="/api/v1/datasets/{dataset}/versions/{number}", tags=["data sets"])


class Asked(BaseModel):
    """One of both: a known question, or a SELECT of one's own."""

    question: str | None = Field(None, max_length=60)
    sql: str | None = Field(None, max_length=SQL_LIMIT)


@router.get("/aws")
@requires(Role.VIEWER)
def show(dataset: str, number: int, work: Reading) -> dict[str, Any]:
    return views.version_in_aws(work, service.find_version(work, dataset, number))


@router.post("/aws", status_code=202)
@requires(Role.EDITOR)
def send(
    dataset: str, number: int, work: Writing, services: AppServices, actor: CurrentActor
) -> dict[str, Any]:
    named = service.find_version(work, dataset, number)
    return errand_json(sending.order_sending(work, services, actor, named))


@router.delete("/aws", status_code=202)
@requires(Role.EDITOR)
def remove(dataset: str, number: int, work: Writing, actor: CurrentActor) -> dict[str, Any]:
    named = service.find_version(work, dataset, number)
    return errand_json(sending.order_removal(work, actor, named))


@router.post("/aws/cancellation")
@requires(Role.EDITOR)
def cancel(dataset: str, number: int, work: Writing) -> dict[str, Any]:
    named = service.find_version(work, dataset, number)
    errands.cancel(work, queries.newest(work.session, named.version.id, sending.KINDS))
    return views.version_in_aws(work, named)


@router.post("/athena", status_code=202)
@requires(Role.EDITOR)
def ask(dataset: str, number: int, asked: Asked, work: Writing, actor: CurrentActor) -> dict[str, Any]:
    named = service.find_version(work, dataset, number)
    if (asked.question is None) == (asked.sql is None):
        raise Invalid("Send either a question or sql.", 'For example {"question": "sentiment"}.')
    if asked.question is not None:
        return views.query_json(asking.ask_question(work, actor, named, asked.question))
    return views.query_json(asking.ask_freely(work, actor, named, asked.sql or ""))


@router.get("/athena")
@requires(Role.VIEWER)
def list_queries(dataset: str, number: int, work: Reading) -> dict[str, Any]:
    named = service.find_version(work, dataset, number)
    found = queries.errands_of(work.session, named.version.id, [ASK])
    return {"items": [views.query_json(each) for each in found], "total": len(found), "next": None}


@router.get("/athena/{query_id}")
@requires(Role.VIEWER)
def show_query(dataset: str, number: int, query_id: str, work: Reading) -> dict[str, Any]:
    named = service.find_version(work, dataset, number)
    return views.query_json(errands.find(work, query_id, named.version.id, ASK))


@router.post("/athena/{query_id}/cancellation")
@requires(Role.EDITOR)
def cancel_query(dataset: str, number: int, query_id: str, work: Writing) -> dict[str, Any]:
    named = service.find_version(work, dataset, number)
    errand = errands.find(work, query_id, named.version.id, ASK)
    errands.cancel(work, errand)
    work.session.refresh(errand)
    return views.query_json(errand)
