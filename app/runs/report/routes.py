"""The evaluation report of a run, the numbers of its figures, and the test rows behind them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.core.errors import NotFound
from app.core.lists import Column, Form, csv_file, list_file
from app.core.pages import render
from app.core.security import Role, requires
from app.core.services import AppServices, Reading, Services
from app.core.snippets import Call, Snippet, snippets
from app.runs import service, views
from app.runs.queries import RunDetail
from app.runs.report.answers import PAGE, Answer, AnswerFile, Narrowed, answer_file
from app.runs.report.figures import Source
from app.runs.report.page import report_of
from app.runs.run_page.asked import Asked
from app.runs.run_page.page import run_page
from ml.data.labels import display_name

router = APIRouter(include_in_schema=False)

MISTAKES = Narrowed(wrong="yes")
MISTAKES_SHOWN = 8
COLUMNS: Sequence[Column[Answer]] = (
    Column("review_id", lambda row: row.review_id),
    Column("row", lambda row: row.row),
    Column("category", lambda row: row.category),
    Column("title", lambda row: row.title),
    Column("text", lambda row: row.text),
    Column("actual", lambda row: row.actual),
    Column("predicted", lambda row: row.predicted),
    Column("baseline", lambda row: row.baseline),
)


class NothingMeasured(NotFound):
    title = "There is no evaluation yet"


class NoRows(NotFound):
    title = "The test rows are not kept"


@router.get("/runs/{run_id}/report")
@requires(Role.VIEWER)
def show_report(request: Request, work: Reading, services: AppServices, run_id: str) -> Response:
    page = run_page(work, services, run_id, Asked(), datetime.now(UTC))
    source = _source(services, page.detail)
    mistakes = (
        _predictions(services, page.detail, source).page(MISTAKES, MISTAKES_SHOWN) if source.rows else None
    )
    return render(
        request,
        "runs/report.html",
        page=page,
        report=report_of(source),
        gate=page.gate,
        mistakes=mistakes,
        names=_names(source),
        mistakes_url=source.behind(wrong="yes"),
        snippets=_snippets(request, page.run.id, page.measured_by or "evaluate"),
    )


@router.get("/runs/{run_id}/report/figures/{name}.csv")
@requires(Role.VIEWER)
def figure_file(work: Reading, services: AppServices, run_id: str, name: str) -> Response:
    detail = service.get_run(work, run_id)
    found = report_of(_source(services, detail)).figures.get(name)
    if found is None:
        raise NotFound(f"The report has no figure {name!r}.", "Open the report: it links to all that it has.")
    return csv_file(f"run-{detail.run.number}-{name}", *found.csv())


@router.get("/runs/{run_id}/report/rows")
@requires(Role.VIEWER)
def show_rows(
    request: Request,
    work: Reading,
    services: AppServices,
    run_id: str,
    narrowed: Annotated[Narrowed, Depends()],
) -> Response:
    detail = service.get_run(work, run_id)
    source = _source(services, detail)
    predictions = _predictions(services, detail, source)
    found = predictions.page(narrowed)
    return render(
        request,
        "runs/report_rows.html",
        run=detail.run,
        narrowed=narrowed,
        answers=found,
        names=_names(source),
        categories=predictions.categories(),
        pages=-(-found.total // PAGE),
    )


@router.get("/runs/{run_id}/report/rows.{form}")
@requires(Role.VIEWER)
def rows_file(
    work: Reading,
    services: AppServices,
    run_id: str,
    form: Form,
    narrowed: Annotated[Narrowed, Depends()],
) -> Response:
    detail = service.get_run(work, run_id)
    source = _source(services, detail)
    rows = _predictions(services, detail, source).all(narrowed)
    return list_file(form, f"run-{detail.run.number}-test-rows", _columns(source), rows)


def _columns(source: Source) -> Sequence[Column[Answer]]:
    def probability(label: str) -> Column[Answer]:
        return Column(f"p_{label}", lambda row: row.probabilities.get(label))

    return [*COLUMNS, *(probability(label) for label in source.evaluation["labels"])]


def _source(services: Services, detail: RunDetail) -> Source:
    evaluation = views.evaluation_of(services.storage, detail)
    if evaluation is None:
        raise NothingMeasured(
            f"Run #{detail.run.number} has measured nothing.", "Its page shows how far it has come."
        )
    address = f"/runs/{detail.run.id}/report"
    kept = answer_file(services.storage, detail)
    return Source(evaluation, address, f"{address}/rows" if kept else "")


def _predictions(services: Services, detail: RunDetail, source: Source) -> AnswerFile:
    file = answer_file(services.storage, detail)
    if file is None:
        raise NoRows(
            f"Run #{detail.run.number} has left no predictions.parquet.",
            "Run its evaluate step again, with this version of the program.",
        )
    return AnswerFile(services.storage, file, source.evaluation["labels"])


def _names(source: Source) -> dict[str, str]:
    labels = source.evaluation["labels"]
    return {label: display_name(label, labels) for label in labels}


def _snippets(request: Request, run_id: str, step: str) -> Sequence[Snippet]:
    files = f"/api/v1/runs/{run_id}/artifacts/{step}"
    return snippets(
        request,
        Call("The evaluation", "GET", f"{files}/evaluation.json"),
        Call("The run with its metrics", "GET", f"/api/v1/runs/{run_id}", command=f"run show {run_id}"),
    )
