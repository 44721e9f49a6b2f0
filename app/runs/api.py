"""REST under /api/v1/runs."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from app.core.errors import NotFound
from app.core.security import CurrentActor, Role, requires
from app.core.services import AppServices, Reading, Services, Writing
from app.runs import queries, service, views
from app.runs.launch_compute import Compute, StepCompute
from app.runs.listing.filters import Filters, narrowed
from app.runs.places import Device, Priority
from app.runs.queries import RunDetail
from app.runs.starting import CLASSIFIER, on_dataset
from app.runs.states import RunStatus
from app.runs.tables import Step
from ml.pipeline.definition import ParameterValue

router = APIRouter(prefix="/api/v1", tags=["runs"])
Limit = Annotated[int, Query(ge=1, le=200)]
AttemptNumber = Annotated[int | None, Query(ge=1, le=1_000_000)]

LINES_A_READ = 2000


class StartRequest(BaseModel):
    """``dataset`` is a name or id; without ``version`` the newest ready one. ``model`` names the model that
    gets a new version, by default as the data set. ``compute`` is where the programs run; ``computes`` and
    ``instance_types`` say it of single steps, by name."""

    model_config = ConfigDict(extra="forbid")

    dataset: str = Field(min_length=1, max_length=200)
    version: int | None = None
    pipeline: str = CLASSIFIER
    recipe: str | None = None
    parameters: dict[str, ParameterValue] = {}
    model: str | None = None
    priority: Priority = "normal"
    device: Device = "auto"
    compute: Compute = "local"
    computes: dict[str, StepCompute] = {}
    instance_types: dict[str, str] = {}


class ChangeRequest(BaseModel):
    """What is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    priority: Priority | None = None
    device: Device | None = None


@router.post("/runs", status_code=201)
@requires(Role.EDITOR)
def start_run(
    body: StartRequest,
    work: Writing,
    services: AppServices,
    actor: CurrentActor,
    idempotency_key: Annotated[str | None, Header()] = None,
) -> dict[str, Any]:
    run = on_dataset(work, services, actor.id, **dict(body), idempotency_key=idempotency_key)
    return views.run_json(work, services.storage, service.get_run(work, run.id))


@router.get("/runs")
@requires(Role.VIEWER)
def list_runs(
    work: Reading,
    services: AppServices,
    filters: Annotated[Filters, Depends()],
    cursor: str | None = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Narrowed as the page is, except that ``succeeded`` counts runs with a closed gate, too."""
    within = narrowed(work.session, filters)
    if filters.status == RunStatus.SUCCEEDED:
        within = replace(within, closed=None)
    page = queries.list_runs(work.session, within, cursor, limit, filters.order)
    return {
        "items": views.runs_json(work, services.storage, page.items),
        "total": page.total,
        "next": page.next,
    }


@router.get("/runs/{run_id}")
@requires(Role.VIEWER)
def show_run(run_id: str, work: Reading, services: AppServices) -> dict[str, Any]:
    return views.run_json(work, services.storage, service.get_run(work, run_id))


@router.patch("/runs/{run_id}")
@requires(Role.EDITOR)
def change_run(
    run_id: str, body: ChangeRequest, work: Writing, services: AppServices, actor: CurrentActor
) -> dict[str, Any]:
    """Its place in the queue, and where it runs; both while it has not ended."""
    run = service.place(work, run_id, actor.id, priority=body.priority, device=body.device)
    return views.run_json(work, services.storage, service.get_run(work, run.id))


@router.post("/runs/{run_id}/cancellation")
@requires(Role.EDITOR)
def cancel_run(run_id: str, work: Writing, services: AppServices, actor: CurrentActor) -> dict[str, Any]:
    run = service.cancel(work, services, run_id, actor.id)
    return views.run_json(work, services.storage, service.get_run(work, run.id))


@router.post("/runs/{run_id}/retry")
@requires(Role.EDITOR)
def retry_run(run_id: str, work: Writing, services: AppServices, actor: CurrentActor) -> dict[str, Any]:
    run = service.retry(work, services, run_id, actor.id)
    return views.run_json(work, services.storage, service.get_run(work, run.id))


@router.get("/runs/{run_id}/artifacts")
@requires(Role.VIEWER)
def list_artifacts(run_id: str, work: Reading, services: AppServices) -> dict[str, Any]:
    items = views.artifacts_json(services.storage, service.get_run(work, run_id))
    return {"items": items, "total": len(items), "next": None}


@router.get("/runs/{run_id}/artifacts/{step}/{path:path}")
@requires(Role.VIEWER)
def download_artifact(
    run_id: str, step: str, path: str, work: Reading, services: AppServices
) -> FileResponse:
    """Always an attachment of no type: a browser must never render what a step or an upload wrote."""
    found = service.get_step(service.get_run(work, run_id), step)
    if found.artifact is None:
        raise NotFound(f"{step} has left no files.", "They are there once it has succeeded.")
    file = services.storage.tree(found.artifact).find(path)
    services.storage.open(file.sha256).close()  # a missing file is a 404 here, not a broken answer later
    return FileResponse(
        services.storage.local_path(file.sha256),
        media_type="application/octet-stream",
        filename=path.rpartition("/")[2],
        headers={"ETag": f'"{file.sha256}"', "X-Content-Type-Options": "nosniff"},
    )


@router.get("/runs/{run_id}/logs", response_class=StreamingResponse)
@requires(Role.VIEWER)
def show_logs(
    run_id: str,
    work: Reading,
    services: AppServices,
    step: str | None = None,
    attempt: AttemptNumber = None,
) -> StreamingResponse:
    """Plain text: of one step, by default its latest attempt, or of all steps one after the other."""
    detail = service.get_run(work, run_id)
    steps = [service.get_step(detail, step)] if step else detail.steps
    wanted = [(each, found.number) for each in steps if (found := service.get_attempt(detail, each, attempt))]
    return StreamingResponse(_log_text(services, detail, wanted), media_type="text/plain; charset=utf-8")


@router.get("/runs/{run_id}/metrics")
@requires(Role.VIEWER)
def list_metrics(
    run_id: str,
    work: Reading,
    services: AppServices,
    step: str | None = None,
    attempt: AttemptNumber = None,
) -> dict[str, Any]:
    """What the programs reported while they ran; the evaluation stands in the run itself."""
    detail = service.get_run(work, run_id)
    step_id = service.get_step(detail, step).id if step else None
    with services.works.telemetry_reading() as telemetry:
        points = queries.metric_points(telemetry.session, detail.run.id, step_id, attempt)
    items = views.points_json(detail, points)
    return {"items": items, "total": len(items), "next": None}


def _log_text(services: Services, detail: RunDetail, wanted: list[tuple[Step, int]]) -> Iterator[str]:
    """Read in pieces, each in a short unit of work of its own: a slow reader holds no connection."""
    for step, attempt in wanted:
        first = 1
        while True:
            with services.works.telemetry_reading() as work:
                lines = queries.log_lines(work.session, detail.run.id, step.id, attempt, first, LINES_A_READ)
            if not lines:
                break
            yield "".join(f"{line.text}\n" for line in lines)
            first = lines[-1].number + 1
