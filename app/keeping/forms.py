"""What tags and notes may be."""

import re
import unicodedata
from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

from app.core.errors import Invalid

TAG_LENGTH, TAG_LIMIT = 30, 20
NOTE_LIMIT = 10_000
TAG = re.compile(r"[^\W_][\w.:-]*")


class TagRefused(Invalid):
    title = "That can't be a tag"


class NoteRefused(Invalid):
    title = "The note can't be kept"


class TagsRequest(BaseModel):
    """All of them: what is left out is taken away."""

    model_config = ConfigDict(extra="forbid")

    tags: list[str]


class NoteRequest(BaseModel):
    """``row_version`` is that of the note that was seen, 0 where there was none."""

    model_config = ConfigDict(extra="forbid")

    text: str
    row_version: int


class NameRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str


def split_tags(text: str) -> list[str]:
    return [part for part in re.split(r"[,;\s]+", text) if part]


def tags_of(words: Iterable[str]) -> list[str]:
    """In lower case and in order, each once."""
    found = sorted({_tag(word) for word in words})
    if len(found) > TAG_LIMIT:
        raise TagRefused(f"These are {len(found)} tags.", f"At most {TAG_LIMIT} stand on one thing.")
    return found


def _tag(word: str) -> str:
    tag = unicodedata.normalize("NFC", word.strip().removeprefix("#")).lower()
    if not TAG.fullmatch(tag) or len(tag) > TAG_LENGTH:
        raise TagRefused(
            f"{word[:60]!r} can't be a tag.",
            f"Use one word of up to {TAG_LENGTH} letters, digits and . _ : - (not first).",
        )
    return tag


def note_of(text: str) -> str:
    """Lines end in one way; what a database can't hold is refused by name."""
    note = "\n".join(text.strip().splitlines())
    if len(note) > NOTE_LIMIT:
        raise NoteRefused(
            f"The note has {len(note):,} characters.", f"At most {NOTE_LIMIT:,}: link to a longer text."
        )
    if any(character == "\0" or 0xD800 <= ord(character) <= 0xDFFF for character in note):
        raise NoteRefused("The note has characters that are no text.", "Leave out NUL and half pairs.")
    return note
