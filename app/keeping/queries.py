"""Every read of tags, notes and archived subjects, and the one guarded write of a note.

Lists of other features use :func:`kept_of` for what they show beside each row, and :func:`archived_ids` and
:func:`tagged_ids` to narrow their own query: ``.where(Run.id.not_in(archived_ids()))``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.orm import Session

from app.core.database import now
from app.keeping.tables import Archived, Note, Tag


@dataclass(frozen=True)
class Kept:
    """What is attached to one subject. ``note_version`` is 0 while nobody has written a note."""

    subject_id: str
    tags: Sequence[str] = ()
    note: str = ""
    note_version: int = 0
    note_by: str | None = None
    note_at: datetime | None = None
    archived_at: datetime | None = None
    archived_by: str | None = None


def kept_of(session: Session, subject_ids: Iterable[str]) -> dict[str, Kept]:
    """By id, for every id that is asked for: three queries, however many there are."""
    ids = list(dict.fromkeys(subject_ids))
    tags: dict[str, list[str]] = {}
    for tag in session.scalars(select(Tag).where(Tag.subject_id.in_(ids)).order_by(Tag.name)):
        tags.setdefault(tag.subject_id, []).append(tag.name)
    notes = {row.subject_id: row for row in session.scalars(select(Note).where(Note.subject_id.in_(ids)))}
    away = select(Archived).where(Archived.subject_id.in_(ids))
    archived = {row.subject_id: row for row in session.scalars(away)}
    return {each: _kept(each, tags.get(each, []), notes.get(each), archived.get(each)) for each in ids}


def _kept(subject_id: str, tags: list[str], note: Note | None, archived: Archived | None) -> Kept:
    return Kept(
        subject_id,
        tags,
        note=note.text if note else "",
        note_version=note.row_version if note else 0,
        note_by=note.actor_id if note and note.text else None,
        note_at=note.at if note and note.text else None,
        archived_at=archived.at if archived else None,
        archived_by=archived.actor_id if archived else None,
    )


def archived_ids() -> Select[str]:
    return select(Archived.subject_id)


def tagged_ids(tag: str) -> Select[str]:
    return select(Tag.subject_id).where(Tag.name == tag.strip().lower())


def tags_in_use(session: Session, prefix: str = "", limit: int = 100) -> list[str]:
    """The commonest first; ``prefix`` narrows to subjects of one kind, as "run"."""
    query = select(Tag.name).group_by(Tag.name).order_by(func.count().desc(), Tag.name).limit(limit)
    if prefix:
        query = query.where(Tag.subject_id.startswith(f"{prefix}_", autoescape=True))
    return list(session.scalars(query))


def is_archived(session: Session, subject_ids: Sequence[str]) -> bool:
    """Whether any of them is."""
    found = select(Archived.subject_id).where(Archived.subject_id.in_(subject_ids)).limit(1)
    return session.scalar(found) is not None


def drop_tags(session: Session, subject_id: str, names: Iterable[str]) -> None:
    session.execute(delete(Tag).where(Tag.subject_id == subject_id, Tag.name.in_(list(names))))


def replace_note(session: Session, subject_id: str, text: str, actor_id: str, row_version: int) -> bool:
    """True for exactly one of any number of writers who have seen the same version."""
    seen = update(Note).where(Note.subject_id == subject_id, Note.row_version == row_version)
    written = seen.values(text=text, row_version=row_version + 1, actor_id=actor_id, at=now())
    return session.scalar(written.returning(Note.subject_id)) is not None


def forget(session: Session, subject_ids: Sequence[str]) -> None:
    """Drop everything attached to subjects that are gone."""
    for table in (Tag, Note, Archived):
        session.execute(delete(table).where(table.subject_id.in_(subject_ids)))
