"""REST on whatever an id names: tags, note, name, archive, delete."""

from typing import Any

from fastapi import APIRouter

from app.accounts.queries import actor_names
from app.core.pages import iso
from app.core.security import Actor, CurrentActor, Role, requires
from app.core.services import AppServices, Reading, Services, Writing
from app.core.work import Work
from app.keeping import deletion, queries, service, subjects
from app.keeping.forms import NameRequest, NoteRequest, TagsRequest
from app.keeping.queries import Kept
from app.keeping.uses import LISTED, uses_of

router = APIRouter(prefix="/api/v1/subjects/{subject_id}", tags=["tags, notes, archive and delete"])


@router.get("")
@requires(Role.VIEWER)
def show(work: Reading, services: AppServices, actor: CurrentActor, subject_id: str) -> dict[str, Any]:
    return _json(work, services, actor, subject_id)


@router.get("/tags")
@requires(Role.VIEWER)
def show_tags(work: Reading, services: AppServices, subject_id: str) -> dict[str, Any]:
    return {"tags": _kept(work, services, subject_id).tags}


@router.put("/tags")
@requires(Role.EDITOR)
def set_tags(
    work: Writing, services: AppServices, actor: CurrentActor, subject_id: str, body: TagsRequest
) -> dict[str, Any]:
    return {"tags": service.tag(work, services, actor.id, subject_id, body.tags).tags}


@router.get("/note")
@requires(Role.VIEWER)
def show_note(work: Reading, services: AppServices, subject_id: str) -> dict[str, Any]:
    return _note(work, _kept(work, services, subject_id))


@router.put("/note")
@requires(Role.EDITOR)
def set_note(
    work: Writing, services: AppServices, actor: CurrentActor, subject_id: str, body: NoteRequest
) -> dict[str, Any]:
    kept = service.write_note(work, services, actor.id, subject_id, body.text, body.row_version)
    return _note(work, kept)


@router.put("/name")
@requires(Role.EDITOR)
def set_name(
    work: Writing, services: AppServices, actor: CurrentActor, subject_id: str, body: NameRequest
) -> dict[str, Any]:
    service.rename(work, services, actor.id, subject_id, body.name)
    return _json(work, services, actor, subject_id)


@router.post("/archival")
@requires(Role.EDITOR)
def archive(work: Writing, services: AppServices, actor: CurrentActor, subject_id: str) -> dict[str, Any]:
    service.archive(work, services, actor.id, subject_id)
    return _json(work, services, actor, subject_id)


@router.delete("/archival")
@requires(Role.EDITOR)
def restore(work: Writing, services: AppServices, actor: CurrentActor, subject_id: str) -> dict[str, Any]:
    service.restore(work, services, actor.id, subject_id)
    return _json(work, services, actor, subject_id)


@router.delete("", status_code=204)
@requires(Role.EDITOR)
def delete(work: Writing, services: AppServices, actor: CurrentActor, subject_id: str) -> None:
    deletion.delete(work, services, actor, subject_id)


def _kept(work: Work, services: Services, subject_id: str) -> Kept:
    subject = subjects.find(work, services, subject_id)
    return queries.kept_of(work.session, [subject.id])[subject.id]


def _note(work: Work, kept: Kept) -> dict[str, Any]:
    """``row_version`` is what the next writing names; 0 where nobody has written one."""
    by = actor_names(work.session, [kept.note_by]) if kept.note_by else {}
    return {
        "text": kept.note,
        "row_version": kept.note_version,
        "by": {"id": kept.note_by, "name": by.get(kept.note_by)} if kept.note_by else None,
        "at": iso(kept.note_at) or None,
    }


def _json(work: Work, services: Services, actor: Actor, subject_id: str) -> dict[str, Any]:
    work.session.flush()
    subject = subjects.find(work, services, subject_id)
    kept = queries.kept_of(work.session, [subject.id])[subject.id]
    uses = uses_of(work, services, subject, LISTED)
    reasons = deletion.reasons(work, services, subject)
    return {
        "id": subject.id,
        "kind": subject.kind,
        "title": subject.title,
        "name": subject.name,
        "url": subject.url,
        "tags": kept.tags,
        "note": _note(work, kept),
        "archived_at": iso(kept.archived_at) or None,
        "archived_by": kept.archived_by,
        "deleted": subject.deleted,
        "used_by": {
            "items": [
                {"id": use.id, "kind": use.kind, "title": use.title, "url": use.url} for use in uses.items
            ],
            "total": uses.total,
        },
        "deletable": not subject.deleted and not reasons and deletion.may_delete(actor, subject),
        "reasons": reasons,
    }
