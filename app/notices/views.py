"""Notices as rows of a file and as JSON."""

from typing import Any

from app.core.lists import Column
from app.core.pages import iso
from app.notices.tables import Notice

COLUMNS = (
    Column[Notice]("id", lambda notice: notice.id),
    Column[Notice]("at", lambda notice: notice.at),
    Column[Notice]("kind", lambda notice: notice.kind),
    Column[Notice]("title", lambda notice: notice.title),
    Column[Notice]("text", lambda notice: notice.text),
    Column[Notice]("subject_id", lambda notice: notice.subject_id),
    Column[Notice]("url", lambda notice: notice.url),
    Column[Notice]("read_at", lambda notice: notice.read_at),
)


def notice_json(notice: Notice) -> dict[str, Any]:
    return {
        "id": notice.id,
        "kind": notice.kind,
        "title": notice.title,
        "text": notice.text,
        "subject_id": notice.subject_id,
        "url": notice.url,
        "at": iso(notice.at),
        "read_at": iso(notice.read_at) or None,
    }
