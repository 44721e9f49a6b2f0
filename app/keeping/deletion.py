"""Deleting something for good: who may, what keeps it from being deleted, and the deed, all of it or nothing.

See docs/adr for why so little can be deleted: archiving hides, deleting takes away what others may rest on.
"""

from typing import Any

from app.accounts import audit
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.lineage import descendants, forget_edges
from app.core.security import Actor, Role
from app.core.services import Services, Subject
from app.core.work import Work
from app.keeping import queries, subjects
from app.keeping.service import Deleted
from app.keeping.uses import uses_of

REASONS_SHOWN = 10


class NotDeletable(Conflict):
    """``reasons`` in the details are the sentences that the message joins."""

    title = "It can't be deleted now"


class NotYours(Forbidden):
    title = "It isn't yours to delete"


class NameMistyped(Invalid):
    title = "The name does not agree"


def may_delete(actor: Actor, subject: Subject) -> bool:
    """Whoever made it, or an administrator."""
    return actor.may(Role.ADMIN) or (actor.may(Role.EDITOR) and subject.owner_id == actor.id)


def reasons(work: Work, services: Services, subject: Subject) -> list[str]:
    """Why it can't be deleted now, each a sentence that says what stands in the way. None: it can be."""
    own = {subject.id, *subject.parts}
    rests = descendants(work.session, own)
    held = subjects.holding(work, services, [*subject.parts, *rests])
    found = [*subject.refusals, *(each.holds for each in held)]
    uses = uses_of(work, services, subject)
    if uses.total and subject.alone:
        found += [f"{use.title} was made from it." for use in uses.items]
    elif uses.total and not _archived(work, subject):
        what = "1 thing was" if uses.total == 1 else f"{uses.total} things were"
        found.append(f"{what} made from it: archive it first.")
    return list(dict.fromkeys(found))


def _archived(work: Work, subject: Subject) -> bool:
    return queries.is_archived(work.session, [each for each in (subject.id, subject.parent_id) if each])


def delete(
    work: Work, services: Services, actor: Actor, subject_id: str, typed: str | None = None
) -> Subject:
    """Take it away with its parts, in one transaction. ``typed`` is its title as a person typed it."""
    subject = subjects.find(work, services, subject_id)
    _require(work, services, actor, subject, typed)
    kept = queries.kept_of(work.session, [subject_id])[subject_id]
    ids = [*subject.parts, subject_id]
    taken = {each: dict(_taken(work, services, actor, each)) for each in ids}
    work.session.flush()
    left = subjects.describe(work, services, ids)
    gone = [each for each in ids if each not in left]
    queries.forget(work.session, gone)
    forget_edges(work.session, gone)
    details = {"title": subject.title, "tags": list(kept.tags), "note": kept.note, "taken": taken}
    audit.record(work.session, actor.id, f"{subjects.word_of(subject)}.deleted", subject_id, details)
    return subject


def _taken(work: Work, services: Services, actor: Actor, subject_id: str) -> Any:
    keeper = subjects.keeper_of(services, subject_id)
    assert keeper is not None, "a part belongs to a feature"
    assert keeper.delete is not None, "what can't be deleted is part of nothing"
    return keeper.delete(work, services, actor.id, subject_id)


def _require(work: Work, services: Services, actor: Actor, subject: Subject, typed: str | None) -> None:
    if subject.deleted:
        raise Deleted(f"{subject.title} was deleted already.", "Nothing is left to delete.")
    if not may_delete(actor, subject):
        raise NotYours(
            f"{subject.title} was made by somebody else.",
            "Ask an administrator to delete it; you can archive it.",
            needed=str(Role.ADMIN),
        )
    if found := reasons(work, services, subject):
        shown = " ".join(found[:REASONS_SHOWN])
        raise NotDeletable(f"{subject.title} can't be deleted. {shown}", "Archive it instead.", reasons=found)
    if typed is not None and " ".join(typed.split()) != subject.title:
        raise NameMistyped(f"You typed {typed[:80]!r}.", f"Type {subject.title} to delete it.")
