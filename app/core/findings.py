"""What a search found, as each feature's ``finding`` tells it, and the one way to compare words.

A feature looks only as far as an index leads, or through a bounded number of its newest rows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy.orm import InstrumentedAttribute

WORDS = 8  # more than that narrow nothing further


@dataclass(frozen=True)
class Found:
    """``text`` says in a few words which one it is. ``subject_id`` is what a tag or note is attached to."""

    kind: str
    id: str
    title: str
    text: str
    url: str
    at: datetime | None = None


def words_of(text: str) -> list[str]:
    return text.split()[:WORDS]


def saying(words: Sequence[str], *columns: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
    """Every word stands in one of these columns, whatever its capitals; % and _ mean themselves."""
    return and_(*(or_(*(column.icontains(word, autoescape=True) for column in columns)) for word in words))


def number_of(word: str, prefix: str) -> int | None:
    """``#12`` or ``v3``: the number that a person reads, where the word is one."""
    digits = word.lower().removeprefix(prefix)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None


def spoken(words: Iterable[str], text: str) -> bool:
    """The same comparison for what does not stand in a database."""
    plain = text.casefold()
    return all(word.casefold() in plain for word in words)
