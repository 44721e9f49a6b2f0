"""Tags and notes, for the search across the product: what they are attached to, and what they say."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.findings import saying
from app.keeping.tables import Note, Tag

AROUND = 60  # characters of a note that are shown on both sides of the word


def find_tagged(session: Session, words: Sequence[str], limit: int) -> list[tuple[str, str]]:
    """Ids with the tag that was found, newest first."""
    query = select(Tag).where(saying(words, Tag.name)).order_by(Tag.at.desc(), Tag.subject_id).limit(limit)
    return [(tag.subject_id, tag.name) for tag in session.scalars(query)]


def find_noted(session: Session, words: Sequence[str], limit: int) -> list[tuple[str, str]]:
    """Ids with what the note says about it, newest first."""
    query = select(Note).where(saying(words, Note.text)).order_by(Note.at.desc()).limit(limit)
    return [(note.subject_id, _around(note.text, words)) for note in session.scalars(query)]


def _around(text: str, words: Sequence[str]) -> str:
    """The part of a note in which the first of the words stands, on one line."""
    line = " ".join(text.split())
    at = max(0, line.casefold().find(words[0].casefold()))
    start, end = max(0, at - AROUND), at + len(words[0]) + AROUND
    return f"{'…' if start else ''}{line[start:end]}{'…' if end < len(line) else ''}"
