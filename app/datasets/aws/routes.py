"""The page of a version in AWS: where it stands, the five questions, SQL of one's own."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from app.core.lists import Column, list_file
from app.core.lists import Form as Ending
from app.core.pages import redirect, render
from app.core.security import CurrentActor, Role, requires
from app.core.services import AppServices, Reading, Writing
from app.core.snippets import Call, Snippet, snippets
from app.datasets import service
from app.datasets.aws import asking, sending
from app.datasets.aws.asking import ASK
from app.datasets.aws.page import answer_of, athena_page
from app.datasets.queries import NamedVersion
from app.datasets.version_page import address_of
from app.integrations.errands import queries
from app.integrations.errands import service as errands

router = APIRouter(prefix="/datasets/{dataset}/v/{number}", include_in_schema=False)
ALL = "all"


@router.get("/athena")
@requires(Role.VIEWER)
def show(
    request: Request, work: Reading, services: AppServices, actor: CurrentActor, dataset: str, number: int
) -> Response:
    named = service.find_version(work, dataset, number)
    return render(
        request,
        "datasets/athena.html",
        block="cloud",
        page=athena_page(work, services, named),
        address=address_of(named),
        may_edit=actor.may(Role.EDITOR),
        snippets=_snippets(request, named),
    )


def _address(named: NamedVersion) -> str:
    return f"{address_of(named)}/athena"


def _snippets(request: Request, named: NamedVersion) -> list[Snippet]:
    path = f"/api/v1/datasets/{named.dataset.id}/versions/{named.version.number}"
    words = f"'{named.dataset.name}' --version {named.version.number}"
    question = {"question": "sentiment"}
    return snippets(
        request,
        Call("Send it to AWS", "POST", f"{path}/aws", command=f"dataset to-aws {words}"),
        Call(
            "Ask a question",
            "POST",
            f"{path}/athena",
            question,
            f"dataset ask {words} --question sentiment",
        ),
    )


@router.post("/aws")
@requires(Role.EDITOR)
def send(work: Writing, services: AppServices, actor: CurrentActor, dataset: str, number: int) -> Response:
    named = service.find_version(work, dataset, number)
    sending.order_sending(work, services, actor, named)
    return redirect(_address(named), f"{named.dataset.name} v{number} is being sent to AWS.")


@router.post("/aws/removal")
@requires(Role.EDITOR)
def remove(work: Writing, actor: CurrentActor, dataset: str, number: int) -> Response:
    named = service.find_version(work, dataset, number)
    sending.order_removal(work, actor, named)
    return redirect(_address(named), f"{named.dataset.name} v{number} is being removed from AWS.")


@router.post("/aws/cancellation")
@requires(Role.EDITOR)
def cancel(work: Writing, dataset: str, number: int) -> Response:
    named = service.find_version(work, dataset, number)
    errands.cancel(work, queries.newest(work.session, named.version.id, sending.KINDS))
    return redirect(_address(named), "It is being cancelled.")


@router.post("/athena")
@requires(Role.EDITOR)
def ask(
    work: Writing,
    actor: CurrentActor,
    dataset: str,
    number: int,
    question: Annotated[str, Form()] = "",
    sql: Annotated[str, Form()] = "",
) -> Response:
    named = service.find_version(work, dataset, number)
    if question == ALL:
        asking.ask_all(work, actor, named)
        return redirect(_address(named), "The questions were sent to Athena.")
    if question:
        asking.ask_question(work, actor, named, question)
        return redirect(_address(named), "The question was sent to Athena.")
    query = asking.ask_freely(work, actor, named, sql)
    return redirect(f"{_address(named)}/{query.id}", "The query was sent to Athena.")


@router.get("/athena/{query_id}.{form}")
@requires(Role.VIEWER)
def result_file(work: Reading, dataset: str, number: int, query_id: str, form: Ending) -> Response:
    named = service.find_version(work, dataset, number)
    query = errands.find(work, query_id, named.version.id, ASK)
    result = query.result or {"columns": [], "rows": []}
    columns: list[Column[list[Any]]] = [
        Column(each["name"], _cell(place)) for place, each in enumerate(result["columns"])
    ]
    return list_file(form, query.id, columns, result["rows"])


def _cell(place: int) -> Any:
    return lambda row: row[place]


@router.get("/athena/{query_id}")
@requires(Role.VIEWER)
def show_query(
    request: Request, work: Reading, actor: CurrentActor, dataset: str, number: int, query_id: str
) -> Response:
    named = service.find_version(work, dataset, number)
    query = errands.find(work, query_id, named.version.id, ASK)
    return render(
        request,
        "datasets/athena_query.html",
        block="cloud",
        named=named,
        answer=answer_of(query),
        address=address_of(named),
        may_edit=actor.may(Role.EDITOR),
    )


@router.post("/athena/{query_id}/cancellation")
@requires(Role.EDITOR)
def cancel_query(work: Writing, dataset: str, number: int, query_id: str) -> Response:
    named = service.find_version(work, dataset, number)
    errands.cancel(work, errands.find(work, query_id, named.version.id, ASK))
    return redirect(f"{_address(named)}/{query_id}", "The query is being cancelled.")
