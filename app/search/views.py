"""What was found as text with the match marked, as rows of a file and as JSON."""

import re
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup, escape

from app.core.findings import Found
from app.core.lists import Column
from app.core.pages import iso

COLUMNS = (
    Column[Found]("kind", lambda found: found.kind),
    Column[Found]("id", lambda found: found.id),
    Column[Found]("title", lambda found: found.title),
    Column[Found]("text", lambda found: found.text),
    Column[Found]("url", lambda found: found.url),
    Column[Found]("at", lambda found: found.at),
)


def marked(text: str, words: Sequence[str]) -> Markup:
    """The words that were asked for stand in ``<mark>``; everything else is escaped."""
    if not words:
        return escape(text)
    wanted = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    parts = re.split(f"({wanted})", text, flags=re.IGNORECASE)
    return Markup("").join(
        Markup("<mark>{}</mark>").format(part) if place % 2 else escape(part)
        for place, part in enumerate(parts)
    )


def found_json(found: Found) -> dict[str, Any]:
    return {
        "kind": found.kind,
        "id": found.id,
        "title": found.title,
        "text": found.text,
        "url": found.url,
        "at": iso(found.at) or None,
    }
