"""``fittingroom deploy`` and ``fittingroom predict``."""

import sys
from typing import Annotated, Any

import typer

from app.cli.failures import Exit, Failure
from app.cli.output import Row, column, show_list, show_one
from app.cli.session import Session

DEPLOYMENT = [
    column("endpoint", "endpoint"),
    column("model", "model"),
    column("version", "version"),
    column("status", "status"),
    column("id", "id"),
]
PREDICTIONS = [
    column("label", "label"),
    ("score", lambda prediction: f"{prediction['score']:.4f}"),
    ("cut", lambda prediction: "yes" if prediction.get("truncated") else ""),
    column("text", "text"),
    column("id", "id"),
]


def deploy(
    session: Session,
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The model's name.")],
    version: Annotated[int, typer.Argument(metavar="VERSION", help="An approved version.")],
    endpoint: Annotated[str, typer.Option("--endpoint", help="Made when it is new.")],
) -> None:
    """Make an approved version answer on an endpoint."""
    body = {"model": model, "version": version}
    show_one(session.client.post(f"/endpoints/{endpoint}/deployments", body), DEPLOYMENT, session.output)


def predict(
    session: Session,
    endpoint: Annotated[str, typer.Argument(metavar="ENDPOINT", help="The endpoint's name.")],
    texts: Annotated[list[str], typer.Argument(metavar="TEXT…", help="Reviews; - reads stdin, one a line.")],
    title: Annotated[str | None, typer.Option("--title", help="The title of the one review.")] = None,
    top_k: Annotated[int | None, typer.Option("--top-k", min=1, help="Only the best so many labels.")] = None,
) -> None:
    """Ask an endpoint what it makes of reviews."""
    inputs = _inputs(texts, title)
    body: dict[str, Any] = {"inputs": inputs}
    if top_k is not None:
        body["parameters"] = {"top_k": top_k}
    answer = session.client.post(f"/endpoints/{endpoint}/predict", body)
    rows: list[Row] = [
        {**prediction, "text": _shortened(given)}
        for prediction, given in zip(answer["predictions"], inputs, strict=True)
    ]
    show_list(rows, PREDICTIONS, session.output, answer)


def _inputs(texts: list[str], title: str | None) -> list[Any]:
    given: list[Any] = sys.stdin.read().splitlines() if texts == ["-"] else list(texts)
    if title is None:
        return given
    if len(given) != 1:
        raise Failure("--title belongs to one text.", "Give exactly one TEXT with --title.", Exit.USAGE)
    return [{"text": given[0], "title": title}]


def _shortened(given: Any, limit: int = 60) -> str:
    text = given["text"] if isinstance(given, dict) else given
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
