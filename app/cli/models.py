"""``fittingroom model``: the registry, and the decision on a version."""

import sys
from typing import Annotated, Literal

import typer

from app.cli.client import address
from app.cli.keeping import add_keeping
from app.cli.output import Row, at, column, interval, show_list, show_one
from app.cli.session import Session, command

app = typer.Typer(help="The registry: models and their versions.", no_args_is_help=True)
Model = Annotated[str, typer.Argument(metavar="MODEL", help="The model's name.")]
Version = Annotated[int, typer.Argument(metavar="VERSION", help="The version's number.")]
Comment = Annotated[str | None, typer.Option("--comment", help="Why; it is kept with the decision.")]

What = Annotated[Literal["on", "off", "now"], typer.Argument(help="on, off, or now: compare at once.")]

LIST = [
    column("model", "name"),
    column("versions", "versions"),
    column("newest", "newest", "version"),
    column("status", "newest", "status"),
    ("macro-F1", lambda model: interval(at(model, "newest", "metrics", "macro_f1"))),
    ("live", lambda model: ", ".join(_live(model))),
]
VERSION = [
    column("model", "model"),
    column("version", "version"),
    column("status", "status"),
    column("validity", "validity"),
    ("accuracy", lambda version: interval(at(version, "metrics", "accuracy"))),
    ("macro-F1", lambda version: interval(at(version, "metrics", "macro_f1"))),
    ("  of the baseline", lambda version: interval(at(version, "baseline", "macro_f1"))),
    column("author", "author", "name"),
    ("decision", lambda version: _decision(version)),
    ("live on", lambda version: ", ".join(version.get("live_on") or [])),
    column("data set", "dataset", "name"),
    column("data set version", "dataset", "version"),
    column("evidence sha256", "evidence_sha256"),
    column("run", "run_id"),
    column("row version", "row_version"),
    column("id", "id"),
]
SYNC = [column("model", "model"), column("kept in step", "sync")]


@command(app, "ls")
def ls(session: Session) -> None:
    """List the models."""
    answer = session.client.get_all("/models")
    show_list(answer["items"], LIST, session.output, answer)


@command(app, "show")
def show(session: Session, model: Model, version: Version) -> None:
    """Show a version: status, figures, where it comes from."""
    show_one(session.client.get(address("models", model, "versions", version)), VERSION, session.output)


@command(app, "approve")
def approve(session: Session, model: Model, version: Version, comment: Comment = None) -> None:
    """Let a version be deployed. The author of a version may not approve it where others can."""
    _decide(session, model, version, "approve", comment)


@command(app, "reject")
def reject(session: Session, model: Model, version: Version, comment: Comment = None) -> None:
    """Keep a version from being deployed."""
    _decide(session, model, version, "reject", comment)


@command(app, "sync")
def sync(session: Session, model: Model, what: What = "now") -> None:
    """Keep a model in step with SageMaker's registry: on, off, or have it compared now."""
    path = address("models", model, "sagemaker")
    if what == "now":
        answer = session.client.post(f"{path}/comparison")
    else:
        answer = session.client.put(path, {"on": what == "on"})
    show_one(answer, SYNC, session.output)


def _decide(session: Session, model: str, version: int, decision: str, comment: str | None) -> None:
    path = address("models", model, "versions", version)
    # The row version says what this decision has seen: somebody else's in between makes it stale.
    seen = session.client.get(path)
    body = {
        "decision": decision,
        "comment": comment or _ask(session, decision),
        "row_version": seen["row_version"],
    }
    show_one(session.client.post(f"{path}/approval", body), VERSION, session.output)


def _live(model: Row) -> list[str]:
    return [
        f"{endpoint}: {live['version']}" for live in model.get("live") or [] for endpoint in live["endpoints"]
    ]


def _decision(version: Row) -> str:
    """The last one in words: what, by whom, why."""
    decisions = version.get("decisions") or []
    if not decisions:
        return ""
    last = max(decisions, key=lambda decision: str(decision["at"]))
    return f"{last['after']} by {last['by']['name']}: {last['comment']}"


def _ask(session: Session, decision: str) -> str:
    if sys.stdin.isatty() and not session.yes:
        return str(typer.prompt(f"Why {decision}?", err=True))
    return f"Decided on the command line without a comment: {decision}."


add_keeping(app, "models", Model, versions=True)
