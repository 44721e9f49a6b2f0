"""``fittingroom deploy`` and ``fittingroom predict``."""

import sys
from typing import Annotated, Any, Literal

import typer

from app.cli.client import address
from app.cli.failures import Exit, Failure
from app.cli.output import Row, column, show_list, show_one
from app.cli.session import Session

INPUTS_OF_ONE_REQUEST = 64

DEPLOYMENT = [
    column("endpoint", "endpoint"),
    column("model", "model"),
    column("version", "version"),
    column("state", "state"),
    column("reason", "reason"),
    column("id", "id"),
]
CLOUD_DEPLOYMENT = [
    column("endpoint", "endpoint"),
    column("model", "model"),
    column("version", "version"),
    column("state", "state"),
    column("name there", "sagemaker", "name"),
    column("instance type", "sagemaker", "instance_type"),
    column("instances", "sagemaker", "instance_count"),
    ("dollars an hour", lambda placed: dollars(placed["sagemaker"]["dollars_per_hour"])),
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
    compute: Annotated[
        Literal["local", "sagemaker"], typer.Option("--compute", help="Where it answers.")
    ] = "local",
    instance_type: Annotated[
        str, typer.Option("--instance-type", help="On SageMaker; else as it is there, or as set.")
    ] = "",
    instances: Annotated[int, typer.Option("--instances", min=0, help="On SageMaker: how many.")] = 0,
) -> None:
    """Make an approved version answer on an endpoint."""
    body: dict[str, Any] = {"model": model, "version": version}
    if compute == "sagemaker":
        body |= {"compute": compute, "instance_type": instance_type, "instance_count": instances}
    placed = session.client.post(address("endpoints", endpoint, "deployments"), body)
    show_one(placed, DEPLOYMENT if compute == "local" else CLOUD_DEPLOYMENT, session.output)
    if placed.get("state") == "failed":
        raise Failure(f"{endpoint} could not load the version.", placed.get("reason") or "")


def dollars(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"


def predict(
    session: Session,
    endpoint: Annotated[str, typer.Argument(metavar="ENDPOINT", help="The endpoint's name.")],
    texts: Annotated[list[str], typer.Argument(metavar="TEXT…", help="Reviews; - reads stdin, one a line.")],
    title: Annotated[str | None, typer.Option("--title", help="The title of the one review.")] = None,
    top_k: Annotated[int | None, typer.Option("--top-k", min=1, help="Only the best so many labels.")] = None,
) -> None:
    """Ask an endpoint what it makes of reviews."""
    inputs = _inputs(texts, title)
    parameters = {} if top_k is None else {"top_k": top_k}
    answer = _asked(session, endpoint, inputs, parameters)
    rows: list[Row] = [
        {**prediction, "text": _shortened(given)}
        for prediction, given in zip(answer["predictions"], inputs, strict=True)
    ]
    show_list(rows, PREDICTIONS, session.output, answer)


def _asked(session: Session, endpoint: str, inputs: list[Any], parameters: dict[str, Any]) -> Any:
    """As many requests as the limit of one demands, joined to one answer."""
    answer: dict[str, Any] = {}
    predictions: list[Any] = []
    for start in range(0, len(inputs), INPUTS_OF_ONE_REQUEST):
        body = {"inputs": inputs[start : start + INPUTS_OF_ONE_REQUEST], "parameters": parameters}
        answer = session.client.post(address("endpoints", endpoint, "predict"), body)
        predictions += answer["predictions"]
    return {**answer, "predictions": predictions}


def _inputs(texts: list[str], title: str | None) -> list[Any]:
    given: list[Any] = list(texts)
    if texts == ["-"]:
        given = [line for line in sys.stdin.read().splitlines() if line.strip()]
    if not given:
        raise Failure("There is no text.", "Write one review a line to standard input.", Exit.USAGE)
    if title is None:
        return given
    if len(given) != 1:
        raise Failure("--title belongs to one text.", "Give exactly one TEXT with --title.", Exit.USAGE)
    return [{"text": given[0], "title": title}]


def _shortened(given: Any, limit: int = 60) -> str:
    text = given["text"] if isinstance(given, dict) else given
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
