"""``fittingroom search``: one question to everything."""

from typing import Annotated

import typer

from app.cli.output import column, show_list
from app.cli.session import Session

LIST = [column("kind", "kind"), column("title", "title"), column("text", "text"), column("id", "id")]


def search(
    session: Session,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Words, an id, or #12 for a run.")],
) -> None:
    """Find data sets, versions, runs, models, endpoints, recipes, tags, notes and help topics."""
    answer = session.client.get("/search", q=text)
    show_list(answer["items"], LIST, session.output, answer)
