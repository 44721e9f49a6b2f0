"""The first page: what needs you, what moves, what answers; and five first steps while there is little.

It stands above all features and asks each of them, so none has to know the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app.core.pages import render
from app.core.security import Actor, CurrentActor, Role, requires
from app.core.services import AppServices, Reading, Services
from app.core.snippets import Call, snippets
from app.core.work import Work
from app.datasets import overview as datasets
from app.datasets.queries import NamedVersion as DatasetVersion
from app.endpoints.page import Row as EndpointRow
from app.endpoints.page import endpoint_rows
from app.endpoints.serving import Serving, serving_of
from app.home.first_steps import first_steps
from app.home.needs import Need, needs
from app.registry import overview as models
from app.registry.queries import NamedVersion as ModelVersion
from app.runs import overview as runs
from app.runs.listing.rows import RunRow, rows
from app.runs.queries import active_runs, clock
from app.runs.tables import Worker
from app.runs.workers.queries import serving_workers
from ml.data.sample import ROWS

router = APIRouter(include_in_schema=False)

CALLS = (
    Call("Active runs", "GET", "/api/v1/runs?status=running", command="run ls"),
    Call("Unread notices", "GET", "/api/v1/notices?unread=true", command="notices"),
    Call("What could work", "GET", "/api/v1/workers"),
)


@dataclass(frozen=True)
class Moving:
    """What the page asks for again while it is open."""

    needs: Sequence[Need]
    active: Sequence[RunRow]
    recent: Sequence[RunRow]
    endpoints: Sequence[EndpointRow]
    datasets: Sequence[DatasetVersion]
    versions: Sequence[ModelVersion]
    workers: Sequence[Worker]

    @property
    def slots(self) -> tuple[int, int]:
        """Those that are free, and all."""
        sizes = sum(sum(worker.slots.values()) for worker in self.workers)
        return max(0, sizes - sum(worker.busy for worker in self.workers)), sizes


@router.get("/")
@requires(Role.VIEWER)
def home(request: Request, actor: CurrentActor, work: Reading, services: AppServices) -> Response:
    sample = services.settings.sample
    return render(
        request,
        "home/home.html",
        block="moving",
        moving=_moving(work, services, actor, serving_of(request)),
        steps=first_steps(work.session, actor.id),
        sample=sample.name if sample else "",
        made_up=ROWS,
        snippets=snippets(request, *CALLS),
    )


def _moving(work: Work, services: Services, actor: Actor, serving: Serving) -> Moving:
    now = clock(work.session)
    return Moving(
        needs=needs(work, services, actor),
        active=rows(work, services, active_runs(work.session), now),
        recent=rows(work, services, runs.ended(work.session), now),
        endpoints=endpoint_rows(work, serving),
        datasets=datasets.newest(work.session),
        versions=models.newest(work.session),
        workers=serving_workers(work.session),
    )
