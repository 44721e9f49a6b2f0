"""The system page, for administrators: what runs, what waits, what is stored, and what to do about it."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from app.charts.figure import Figure, Words
from app.charts.histogram import Bin, histogram
from app.core.instruments import MINUTES, instruments_of
from app.core.lists import Column, list_file
from app.core.lists import Form as Ending
from app.core.pages import redirect, render
from app.core.security import CurrentActor, Role, requires
from app.core.services import AppServices, Reading, Writing
from app.core.snippets import Call, snippets
from app.monitoring import chores, collecting, queries
from app.monitoring.facts import System
from app.monitoring.queries import HeldStep
from app.monitoring.system import look
from app.runs.workers.service import WorkerRow, worker_rows

router = APIRouter(include_in_schema=False)

CALLS = (
    Call("The system", "GET", "/api/v1/system", command="system"),
    Call(
        "What could be collected", "POST", "/api/v1/system/collection", {"dry_run": True}, "collect --dry-run"
    ),
    Call("Whether files and database belong together", "GET", "/api/v1/system/check", command="check"),
    Call("Metrics for Prometheus", "GET", "/metrics"),
)
WORKERS = (
    Column[WorkerRow]("id", lambda row: row.id),
    Column[WorkerRow]("state", lambda row: row.state),
    Column[WorkerRow]("queues", lambda row: list(row.queues)),
    Column[WorkerRow]("slots", lambda row: row.size),
    Column[WorkerRow]("busy", lambda row: row.busy),
    Column[WorkerRow]("devices", lambda row: list(row.devices)),
    Column[WorkerRow]("host", lambda row: row.host),
    Column[WorkerRow]("pid", lambda row: row.pid),
    Column[WorkerRow]("version", lambda row: row.version),
    Column[WorkerRow]("seen_at", lambda row: row.seen_at),
    Column[WorkerRow]("problem", lambda row: row.problem),
)
LEASES = (
    Column[HeldStep]("step", lambda row: row.step),
    Column[HeldStep]("run", lambda row: row.run_number),
    Column[HeldStep]("run_id", lambda row: row.run_id),
    Column[HeldStep]("queue", lambda row: row.queue),
    Column[HeldStep]("owner", lambda row: row.owner),
    Column[HeldStep]("attempt", lambda row: row.attempt),
    Column[HeldStep]("fence", lambda row: row.fence),
    Column[HeldStep]("since", lambda row: row.since),
    Column[HeldStep]("until", lambda row: row.until),
)


@router.get("/system")
@requires(Role.ADMIN)
def system_page(request: Request, work: Reading, services: AppServices) -> Response:
    system = look(work, services, instruments_of(request))
    return render(
        request,
        "system/system.html",
        block="live",
        system=system,
        figure=requests_figure(system),
        snippets=snippets(request, *CALLS),
    )


@router.get("/system/workers.{form}")
@requires(Role.ADMIN)
def workers_file(work: Reading, form: Ending) -> Response:
    return list_file(form, "workers", WORKERS, worker_rows(work))


@router.get("/system/leases.{form}")
@requires(Role.ADMIN)
def leases_file(work: Reading, form: Ending) -> Response:
    return list_file(form, "leases", LEASES, queries.held_steps(work.session))


@router.get("/system/collection")
@requires(Role.ADMIN)
def collection_page(request: Request, services: AppServices) -> Response:
    """A dry run: it reads which files there are and which are named, and touches none."""
    hours = services.settings.collect_hours or collecting.YOUNGEST_HOURS
    found = collecting.collect(services, hours=max(hours, collecting.YOUNGEST_HOURS), dry=True)
    return render(request, "system/collection.html", found=found)


@router.post("/system/chores")
@requires(Role.ADMIN)
def ask_for_chore(work: Writing, actor: CurrentActor, name: Annotated[str, Form(max_length=40)]) -> Response:
    chore = chores.ask_now(work, actor, name)
    return redirect("/system", f"A worker begins with {chore.name} within a minute.")


def requests_figure(system: System) -> Figure:
    counts = dict(system.requests)
    bins = [Bin(-ago, 1 - ago, counts.get(ago, 0)) for ago in range(MINUTES - 1, -1, -1)]
    total, most = sum(counts.values()), max(counts.values(), default=0)
    words = Words(
        f"{total:,} requests in the last hour, at most {most:,} a minute",
        "Answered by this process, by the minute; programs that ask for health and metrics left out.",
        "Requests a minute",
        f"{total} requests in {MINUTES} minutes; the busiest minute had {most}.",
    )
    return histogram("requests", words, bins, "Minutes from now")
