"""The first page: what needs you, what moves, what answers; and five first steps while there is little.

It stands above all features and asks each of them, so none has to know the others.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from app.accounts.queries import actor_names
from app.core.pages import render, wants_fragment
from app.core.security import Actor, CurrentActor, Role, requires
from app.core.services import AppServices, Reading, Services, services_of
from app.core.work import Work
from app.datasets import queries as datasets
from app.datasets.tables import VersionStatus
from app.endpoints import queries as endpoints
from app.notices import queries as notices
from app.notices import service
from app.registry import queries as registry
from app.runs import queries as runs
from app.runs import rows
from app.runs.queries import RunFilter
from app.runs.states import RunStatus

router = APIRouter(include_in_schema=False)

FAILURES_SHOWN_FOR = timedelta(days=3)
CLASSIFIER = "review-classifier"


@dataclass(frozen=True)
class Need:
    """One line of "needs you": a pill of ``kind``, what is the case, since when, and the one thing to do."""

    kind: str
    mark: str
    word: str
    title: str
    text: str
    since: datetime
    verb: str
    url: str


@dataclass(frozen=True)
class FirstStep:
    title: str
    text: str
    verb: str
    url: str
    done: bool


@router.get("/")
@requires(Role.VIEWER)
def home(request: Request, actor: CurrentActor, work: Reading, services: AppServices) -> Response:
    return render(
        request,
        "home/home.html",
        needs=needs(work, actor),
        steps=first_steps(work.session),
        active=_rows(work, services, active=True),
        recent=_rows(work, services, active=False),
        live=endpoints.live(work.session),
        workers=runs.live_workers(work.session),
    )


def count_for_nav(request: Request) -> None:
    """The small numbers in the navigation, for whole pages only."""
    wanted = request.method == "GET" and "text/html" in request.headers.get("accept", "")
    if not wanted or wants_fragment(request) or request.state.actor is None:
        return
    works, actor, path = services_of(request).works, request.state.actor, request.url.path
    with works.reading() as work:
        unread = notices.unread(work.session, actor.id, path)
        request.state.nav = {
            "approvals": registry.waiting_count(work.session),
            "runs": len(runs.active_runs(work.session)),
            "notices": unread.count,
        }
    if unread.here:  # once a notice, so a page view still takes no write lock as a rule
        with works.writing() as work:
            request.state.nav["notices"] -= service.opened(work, actor.id, path)


def needs(work: Work, actor: Actor) -> list[Need]:
    """Approvals for those who may give them, failures and doubtful imports for those who may act on them."""
    found = _failed(work.session) + _unconfirmed(work.session) if actor.may(Role.EDITOR) else []
    return (_approvals(work.session) if actor.may(Role.APPROVER) else []) + found


def _approvals(session: Session) -> list[Need]:
    waiting = registry.waiting(session, limit=10)
    names = actor_names(session, [each.version.author_id for each in waiting])
    return [
        Need(
            kind="warn",
            mark="lock",
            word="Approval",
            title=f"Approve {each.model.name} v{each.version.number}?",
            text=f"Asked by {names.get(each.version.author_id, each.version.author_id)}.",
            since=each.version.created_at,
            verb="Read the evidence",
            url=f"/approvals/{each.version.id}",
        )
        for each in waiting
    ]


def _failed(session: Session) -> list[Need]:
    oldest = runs.clock(session) - FAILURES_SHOWN_FOR
    failed = runs.list_runs(session, RunFilter(status=RunStatus.FAILED), limit=5).items
    return [
        Need(
            kind="bad",
            mark="x",
            word="Failed run",
            title=f"{run.label or run.pipeline} #{run.number} failed",
            text=run.message,
            since=run.finished_at or run.created_at,
            verb="See why",
            url=f"/runs/{run.id}",
        )
        for run in failed
        if (run.finished_at or run.created_at) > oldest
    ]


def _unconfirmed(session: Session) -> list[Need]:
    newest = datasets.list_datasets(session, limit=50).items
    return [
        Need(
            kind="warn",
            mark="warn",
            word="Confirmation",
            title=f"Use {each.dataset.name} v{each.version.number} all the same?",
            text=f"{each.version.rejected or 0:,} of its rows could not be read.",
            since=each.version.finished_at or each.version.created_at,
            verb="See the rows",
            url=f"/datasets/{each.dataset.name}/v/{each.version.number}",
        )
        for each in newest
        if each.version.status == VersionStatus.NEEDS_CONFIRMATION
    ]


def first_steps(session: Session) -> list[FirstStep]:
    """In order; each is done for good once it was done once."""
    models = registry.list_models(session, limit=50).items
    classified = RunFilter(pipeline=CLASSIFIER)
    succeeded = RunFilter(pipeline=CLASSIFIER, status=RunStatus.SUCCEEDED)
    newest = runs.list_runs(session, succeeded, limit=1).items
    return [
        FirstStep(
            "Bring in reviews",
            "A CSV, TSV, JSON lines or Parquet file with a text and a rating or label.",
            "Upload a file",
            "/datasets/new",
            bool(datasets.ready_datasets(session, limit=1)),
        ),
        FirstStep(
            "Launch a run",
            "The recipe “quick” takes under five minutes on two cores.",
            "Launch a run",
            "/launch",
            runs.list_runs(session, classified, limit=1).total > 0,
        ),
        FirstStep(
            "Read the report",
            "How good is it, how sure is that, and does it beat the simple baseline?",
            "See the runs",
            f"/runs/{newest[0].id}/report" if newest else f"/runs?pipeline={CLASSIFIER}",
            bool(newest),
        ),
        FirstStep(
            "Approve a version",
            "Somebody other than its author decides, with a comment.",
            "See what waits",
            "/approvals",
            bool(registry.deployable(session)),
        ),
        FirstStep(
            "Deploy it and predict",
            "An endpoint answers from a form and over HTTP.",
            "Deploy a version",
            f"/models/{models[0].model.name}" if models else "/endpoints",
            bool(endpoints.live(session)),
        ),
    ]


def _rows(work: Work, services: Services, *, active: bool) -> list[rows.RunRow]:
    if active:
        shown = runs.active_runs(work.session)
    else:
        newest = runs.list_runs(work.session, RunFilter(), limit=20).items
        shown = [run for run in newest if run.finished_at][:6]
    return rows.rows(work, services, shown, runs.clock(work.session))
