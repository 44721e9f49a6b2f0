"""The verbs of errands: write one down, ask that it stop."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.core.changes import bump
from app.core.errors import Conflict, NotFound
from app.core.ids import new_id
from app.core.security import Actor
from app.core.work import Work
from app.integrations.errands import queries
from app.integrations.errands.tables import OPEN, Errand, ErrandState


class ErrandNotFound(NotFound):
    title = "No such errand"


class UnderWay(Conflict):
    title = "Something is under way already"


class NothingToStop(Conflict):
    title = "There is nothing to stop"


def order(work: Work, actor: Actor, kind: str, subject_id: str, details: Mapping[str, Any]) -> Errand:
    """A worker takes it within a second or two."""
    errand = Errand(
        id=new_id("er"),
        kind=kind,
        subject_id=subject_id,
        details=dict(details),
        state=ErrandState.WAITING,
        message="",
        advice="",
        created_by=actor.id,
    )
    work.session.add(errand)
    work.session.flush()
    bump(work.session, subject_id)
    return errand


def order_alone(
    work: Work, actor: Actor, kind: str, subject_id: str, details: Mapping[str, Any], kinds: Sequence[str]
) -> Errand:
    """One at a time of ``kinds``: the same one again is the one that is under way, another one is refused."""
    for present in queries.open_errands(work.session, subject_id, kinds):
        if present.kind == kind and not present.cancel_requested:
            return present
        raise UnderWay("A worker is busy with it.", "Wait until that has ended, or cancel it.")
    return order(work, actor, kind, subject_id, details)


def cancel(work: Work, errand: Errand | None) -> None:
    if errand is None or errand.state not in OPEN or not queries.ask_to_stop(work.session, errand.id):
        raise NothingToStop("It has ended already.", "Reload the page to see how.")
    bump(work.session, errand.subject_id)


def find(work: Work, errand_id: str, subject_id: str, kind: str) -> Errand:
    """Only where it is about this subject: an id in an address opens nothing else."""
    errand = queries.errand_by_id(work.session, errand_id)
    if errand is None or (errand.subject_id, errand.kind) != (subject_id, kind):
        raise ErrandNotFound("There is nothing of that id here.", "Go back to the list.")
    return errand
