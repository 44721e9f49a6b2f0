"""What people attach to things they keep: tags, a note, and that something is out of sight.

A subject is named by its id alone, whatever feature it belongs to, so nothing here is a foreign key.
"""

from datetime import datetime

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Main, now


class Tag(Main):
    """A word on a subject, in lower case."""

    __tablename__ = "tag"
    __table_args__ = (Index(None, "name", "subject_id"),)

    subject_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(30), primary_key=True)
    actor_id: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime] = mapped_column(default=now())


class Note(Main):
    """The one note on a subject. ``row_version`` grows with each writing; an empty text is no note."""

    __tablename__ = "note"

    subject_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    row_version: Mapped[int] = mapped_column(default=1)
    actor_id: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime] = mapped_column(default=now())


class Archived(Main):
    """The subject is left out of lists until it is restored, which deletes the row."""

    __tablename__ = "archived"

    subject_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    actor_id: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime] = mapped_column(default=now())
