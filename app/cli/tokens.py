"""``fittingroom token``: works on the machine itself, for whoever may write the home directory."""

from typing import Annotated, Literal

import typer

from app.cli.locally import explained
from app.cli.output import Format, print_json
from app.cli.session import Session, command

Role = Literal["viewer", "editor", "approver", "admin"]

app = typer.Typer(help="API tokens, made on the machine itself.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """API tokens, made on the machine itself."""


@command(app, "create")
def create(
    session: Session,
    role: Annotated[Role, typer.Option("--role", help="What its bearer may do.")],
    name: Annotated[str | None, typer.Option("--name", help="Whose it is; else cli-ROLE.")] = None,
) -> None:
    """Make a token for a program of its own. It is printed once and stored only as a hash.

    No server is needed: this opens the database that FITTINGROOM_HOME or DATABASE_URL names.
    """
    with explained():
        # Imported here: the server's libraries would cost every other command half a second.
        from app.cli.machine import make_token

        token_id, secret = make_token(name or f"cli-{role}", role)
    if session.output is Format.JSON:
        print_json({"id": token_id, "token": secret, "role": role})
    else:
        print(secret)
    session.log("Keep it, it is not shown again: export FITTINGROOM_TOKEN=…")
