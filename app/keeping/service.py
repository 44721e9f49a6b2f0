"""The verbs of keeping: tag, note, rename, archive, restore. Deleting stands in app.keeping.deletion.

Each is recorded in the audit under the subject's id, with what was there before.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy.exc import IntegrityError

from app.accounts import audit
from app.core.errors import Conflict
from app.core.services import Services, Subject
from app.core.work import Work
from app.keeping import forms, queries, subjects
from app.keeping.queries import Kept
from app.keeping.tables import Archived, Note, Tag


class NoteChanged(Conflict):
    """``note`` and ``row_version`` in the details are what stands there now."""

    title = "Somebody wrote a note meanwhile"


class NoName(Conflict):
    title = "It has no name of its own"


class Deleted(Conflict):
    title = "It was deleted"


def tag(work: Work, services: Services, actor_id: str, subject_id: str, words: Iterable[str]) -> Kept:
    """Let these be its tags, and no others."""
    subject, before = _kept(work, services, subject_id)
    after = forms.tags_of(words)
    queries.drop_tags(work.session, subject_id, set(before.tags) - set(after))
    work.session.add_all(
        Tag(subject_id=subject_id, name=name, actor_id=actor_id) for name in after if name not in before.tags
    )
    if after != before.tags:
        _record(work, actor_id, subject, "tagged", {"before": list(before.tags), "after": after})
    work.session.flush()
    return queries.kept_of(work.session, [subject_id])[subject_id]


def write_note(
    work: Work, services: Services, actor_id: str, subject_id: str, text: str, row_version: int
) -> Kept:
    """Of two who have seen the same note, the first one's stands and the second is shown it."""
    subject, before = _kept(work, services, subject_id)
    note = forms.note_of(text)
    if note != before.note or row_version != before.note_version:
        if not _written(work, actor_id, subject_id, note, row_version):
            raise _changed(work, subject_id)
        _record(work, actor_id, subject, "noted", {"before": before.note, "after": note})
    work.session.expire_all()
    return queries.kept_of(work.session, [subject_id])[subject_id]


def _written(work: Work, actor_id: str, subject_id: str, text: str, row_version: int) -> bool:
    if row_version:
        return queries.replace_note(work.session, subject_id, text, actor_id, row_version)
    try:
        with work.session.begin_nested():
            work.session.add(Note(subject_id=subject_id, text=text, row_version=1, actor_id=actor_id))
    except IntegrityError:
        return False  # somebody wrote the first note a moment ago
    return True


def _changed(work: Work, subject_id: str) -> NoteChanged:
    work.session.expire_all()
    now = queries.kept_of(work.session, [subject_id])[subject_id]
    return NoteChanged(
        "The note has changed since you opened it.",
        "Look at what stands there now, then save yours again.",
        note=now.note,
        row_version=now.note_version,
    )


def rename(work: Work, services: Services, actor_id: str, subject_id: str, name: str) -> Subject:
    subject, _ = _kept(work, services, subject_id)
    keeper = subjects.keeper_of(services, subject_id)
    if keeper is None or keeper.rename is None or subject.name is None:
        raise NoName(f"A {subject.kind} is called by its number.", "Tag it, or write a note.")
    if name.strip() == subject.name:
        return subject
    keeper.rename(work, subject_id, name)
    work.session.flush()
    renamed = subjects.find(work, services, subject_id)
    _record(work, actor_id, subject, "renamed", {"before": subject.name, "after": renamed.name})
    return renamed


def archive(work: Work, services: Services, actor_id: str, subject_id: str) -> Subject:
    """Out of the lists; everything goes on as before. Archiving twice is one archival."""
    subject, kept = _kept(work, services, subject_id)
    if kept.archived_at is None:
        work.session.add(Archived(subject_id=subject_id, actor_id=actor_id))
        _record(work, actor_id, subject, "archived")
    return subject


def restore(work: Work, services: Services, actor_id: str, subject_id: str) -> Subject:
    subject, kept = _kept(work, services, subject_id)
    if kept.archived_at is not None:
        work.session.delete(work.session.get_one(Archived, subject_id))
        _record(work, actor_id, subject, "restored")
    return subject


def _kept(work: Work, services: Services, subject_id: str) -> tuple[Subject, Kept]:
    subject = subjects.find(work, services, subject_id)
    if subject.deleted:
        raise Deleted(f"{subject.title} was deleted.", "What is left of it can't be changed.")
    return subject, queries.kept_of(work.session, [subject_id])[subject_id]


def _record(
    work: Work, actor_id: str, subject: Subject, deed: str, details: Mapping[str, Any] | None = None
) -> None:
    told = {"title": subject.title, **(details or {})}
    audit.record(work.session, actor_id, f"{subjects.word_of(subject)}.{deed}", subject.id, told)
