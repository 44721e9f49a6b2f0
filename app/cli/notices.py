"""``fittingroom notices``: what you were told."""

from typing import Annotated

import typer

from app.cli.output import column, show_list
from app.cli.session import Session

LIST = [
    column("at", "at"),
    column("kind", "kind"),
    column("title", "title"),
    column("text", "text"),
    column("subject", "subject_id"),
    column("read", "read_at"),
]


def notices(
    session: Session,
    all: Annotated[bool, typer.Option("--all", help="Also those that were read.")] = False,
    mark_read: Annotated[bool, typer.Option("--mark-read", help="Mark all as read afterwards.")] = False,
) -> None:
    """List your unread notices: runs that ended, what waits for you, what was decided."""
    answer = session.client.get_all("/notices", unread=None if all else "true")
    show_list(answer["items"], LIST, session.output, answer)
    if mark_read:
        session.client.post("/notices/reading")
