"""What every command has: where the server is, who asks, and how to print. One decorator adds it."""

import functools
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from app.cli.client import Client, default_url
from app.cli.failures import Failure
from app.cli.output import Format

PANEL = "Options of every command"
COMMON: dict[str, tuple[Any, Any]] = {
    "output": (
        Annotated[Format, typer.Option("--output", "-o", help="How to print.", rich_help_panel=PANEL)],
        Format.TABLE,
    ),
    "quiet": (
        Annotated[bool, typer.Option("--quiet", "-q", help="No progress.", rich_help_panel=PANEL)],
        False,
    ),
    "yes": (
        Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing back.", rich_help_panel=PANEL)],
        False,
    ),
    "url": (
        Annotated[
            str | None,
            typer.Option(
                "--url",
                envvar="FITTINGROOM_URL",
                help="The server; else http://127.0.0.1:$PORT.",
                rich_help_panel=PANEL,
            ),
        ],
        None,
    ),
    "token": (
        Annotated[
            str | None,
            typer.Option(
                "--token",
                envvar="FITTINGROOM_TOKEN",
                help="An API token; see: fittingroom token create.",
                show_default=False,
                rich_help_panel=PANEL,
            ),
        ],
        None,
    ),
}


@dataclass(frozen=True)
class Session:
    output: Format
    quiet: bool
    yes: bool
    url: str | None
    token: str | None

    @functools.cached_property
    def client(self) -> Client:
        return Client(self.url or default_url(), self.token, self.quiet)

    def log(self, text: str) -> None:
        if not self.quiet:
            typer.echo(text, err=True)

    def confirm(self, question: str) -> None:
        """Only a person is asked; a script has decided already."""
        if not self.yes and sys.stdin.isatty():
            typer.confirm(question, abort=True, err=True)


def command(group: typer.Typer, name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register ``verb(session, …)`` with the common options, so that they may stand behind it."""

    def register(verb: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(verb, eval_str=True)
        own = [parameter for parameter in signature.parameters.values() if parameter.name != "session"]

        @functools.wraps(verb)
        def run(**given: Any) -> None:
            common = {option: given.pop(option) for option in COMMON}
            try:
                verb(Session(**common), **given)
            except Failure as failure:
                _explain(failure)
                raise typer.Exit(failure.code) from None

        parameters = [_keyword(p.name, p.annotation, p.default) for p in own]
        parameters += [_keyword(option, kind, default) for option, (kind, default) in COMMON.items()]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        group.command(name)(run)
        return verb

    return register


def _keyword(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _explain(failure: Failure) -> None:
    typer.echo(f"error: {failure.message}", err=True)
    if failure.advice:
        typer.echo(failure.advice, err=True)
