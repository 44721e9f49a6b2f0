"""What waits for this person: one line each, with the one thing to do about it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.accounts.queries import actor_names
from app.core.security import Actor, Role
from app.core.services import Services
from app.core.work import Work
from app.datasets import overview as datasets
from app.registry import approval
from app.registry import overview as models
from app.registry import queries as registry
from app.runs import overview as runs
from app.runs.queries import clock
from app.runs.workers.queries import queues_without_worker

SHOWN = 10


@dataclass(frozen=True)
class Need:
    """A pill of ``kind``, what is the case, since when, and where it is done."""

    kind: str
    mark: str
    word: str
    title: str
    text: str
    since: datetime
    verb: str
    url: str


def needs(work: Work, services: Services, actor: Actor) -> list[Need]:
    """Each role is shown what it may act on, the most urgent first."""
    asked: list[Callable[[Work, Services, Actor], Sequence[Need]]] = []
    if actor.may(Role.APPROVER):
        asked.append(_approvals)
    if actor.may(Role.EDITOR):
        asked += [_no_worker, _voided, _failed, _doubtful, _unmapped]
    return [need for ask in asked for need in ask(work, services, actor)]


def _approvals(work: Work, services: Services, actor: Actor) -> list[Need]:
    """What they may decide on now: their own versions wait for somebody else."""
    waiting = [
        each
        for each in registry.waiting(work.session, limit=SHOWN)
        if approval.why_not(work, services.settings, each.version, actor) is None
    ]
    names = actor_names(work.session, [each.version.author_id for each in waiting])
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


def _no_worker(work: Work, _services: Services, _actor: Actor) -> list[Need]:
    queues = sorted(queues_without_worker(work.session))
    if not queues:
        return []
    count, since = runs.waiting_since(work.session, queues)
    return [
        Need(
            kind="bad",
            mark="warn",
            word="No worker",
            title=f"No worker serves {' or '.join(queues)}",
            text=f"{count} step{'s wait' if count != 1 else ' waits'} for one. “make run” starts a worker; "
            "only one with a card serves gpu.",
            since=since or clock(work.session),
            verb="See what waits",
            url="/runs?status=queued",
        )
    ]


def _voided(work: Work, _services: Services, _actor: Actor) -> list[Need]:
    return [
        Need(
            kind="bad",
            mark="warn",
            word="Void",
            title=f"{each.model.name} v{each.version.number} is void",
            text=each.version.void_reason
            + (f" It was live on {', '.join(each.version.live_on)}." if each.version.live_on else ""),
            since=each.version.created_at,
            verb="See the version",
            url=f"/models/{each.model.id}/versions/{each.version.number}",
        )
        for each in models.voided(work.session)
    ]


def _failed(work: Work, _services: Services, actor: Actor) -> list[Need]:
    failed = runs.failed(work.session, actor.id)
    names = actor_names(work.session, [run.actor_id for run in failed])
    return [
        Need(
            kind="bad",
            mark="x",
            word="Failed run",
            title=f"{_whose(run.actor_id, actor, names)} run #{run.number} failed{_on(run.label)}",
            text=run.message,
            since=run.finished_at or run.created_at,
            verb="See why",
            url=f"/runs/{run.id}",
        )
        for run in failed
    ]


def _whose(actor_id: str, actor: Actor, names: Mapping[str, str]) -> str:
    return "Your" if actor_id == actor.id else f"{names.get(actor_id, 'A deleted user')}’s"


def _on(label: str) -> str:
    return f" on {label}" if label else ""


def _doubtful(work: Work, _services: Services, _actor: Actor) -> list[Need]:
    return [
        Need(
            kind="warn",
            mark="warn",
            word="Confirmation",
            title=f"Use {each.dataset.name} v{each.version.number} all the same?",
            text=f"{each.version.rejected or 0:,} of its rows could not be read.",
            since=datasets.made_at(each),
            verb="See the rows",
            url=f"/datasets/{each.dataset.id}/v/{each.version.number}",
        )
        for each in datasets.doubtful(work.session)
    ]


def _unmapped(work: Work, _services: Services, actor: Actor) -> list[Need]:
    return [
        Need(
            kind="idle",
            mark="file",
            word="Upload",
            title=f"{upload.filename} is not imported yet",
            text="Say which column holds the text and which the rating or label.",
            since=upload.created_at,
            verb="Map its columns",
            url=f"/uploads/{upload.id}",
        )
        for upload in datasets.unmapped(work.session, actor.id)
    ]
