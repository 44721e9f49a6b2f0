"""``fittingroom dataset``: push a file of reviews, list and show data sets."""

import json
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.client import address
from app.cli.errands import add_to_datasets
from app.cli.failures import Exit, Failure
from app.cli.keeping import add_keeping
from app.cli.output import column, show_list, show_one
from app.cli.session import Session, command

POLL_SECONDS = 0.5
UNFINISHED = frozenset({"importing", "queued", "running", "uploading"})

app = typer.Typer(help="Collections of reviews and their versions.", no_args_is_help=True)
Dataset = Annotated[str, typer.Argument(metavar="NAME", help="Name or id of the data set.")]

LIST = [
    column("name", "name"),
    column("version", "version"),
    column("status", "status"),
    column("rows", "rows"),
    column("updated", "updated_at"),
    column("id", "id"),
]
VERSION = [
    column("name", "name"),
    column("version", "version"),
    column("status", "status"),
    column("rows", "rows"),
    column("rejected", "rejected"),
    column("labels", "label_counts"),
    column("sha256", "content_sha256"),
    column("run", "run_id"),
    column("message", "message"),
    column("id", "id"),
]


@command(app, "push")
def push(
    session: Session,
    file: Annotated[str, typer.Argument(help="CSV, TSV, JSONL or Parquet, plain, .gz or .zst; - is stdin.")],
    name: Annotated[str, typer.Option("--name", help="The data set; a known name gets a new version.")],
    mapping: Annotated[
        str | None,
        typer.Option(
            "--mapping",
            help='Which column is which, as JSON: {"text": "Review Text", "rating": "Rating"}. Fields: text, '
            "title, rating, label, category, id, date. What is left out is guessed.",
        ),
    ] = None,
    filename: Annotated[
        str, typer.Option("--filename", help="The name under which stdin is uploaded.")
    ] = "reviews.csv",
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Until the version is ready.")] = True,
) -> None:
    """Upload a file of reviews and wait until its version is ready.

    With --yes a version with many rejected rows is confirmed at once; without it such a version waits.
    """
    fields = {"name": name, **_mapping_field(mapping)}
    version = _upload(session, file, filename, fields)
    if wait:
        version = _wait_for(session, version)
    show_one(version, VERSION, session.output)
    if wait and version["status"] != "ready":
        raise Failure(f"{name} version {version['version']} is {version['status']}.", _way_on(version))


@command(app, "confirm")
def confirm(
    session: Session,
    name: Annotated[str, typer.Argument(help="The data set.")],
    version: Annotated[int, typer.Argument(help="The version that waits for you.")],
) -> None:
    """Accept a version although many of its rows were rejected."""
    path = address("datasets", name, "versions", version)
    session.client.post(f"{path}/confirmation")
    show_one(session.client.get(path), VERSION, session.output)


@command(app, "ls")
def ls(session: Session) -> None:
    """List the data sets."""
    answer = session.client.get_all("/datasets")
    show_list(answer["items"], LIST, session.output, answer)


@command(app, "show")
def show(
    session: Session,
    name: Annotated[str, typer.Argument(help="Name or id of the data set.")],
    version: Annotated[int | None, typer.Option("--version", help="Instead of the newest one.")] = None,
) -> None:
    """Show a data set, or one of its versions."""
    if version is None:
        show_one(session.client.get(address("datasets", name)), VERSION, session.output)
    else:
        show_one(session.client.get(address("datasets", name, "versions", version)), VERSION, session.output)


def _mapping_field(mapping: str | None) -> dict[str, str]:
    if mapping is None:
        return {}
    try:
        parsed = json.loads(mapping)
    except ValueError as error:
        raise Failure(f"--mapping is not JSON: {error}", "Quote it: '{\"text\": …}'", Exit.USAGE) from None
    if not isinstance(parsed, dict):
        raise Failure("--mapping is not a JSON object.", 'Write {"text": "column", …}.', Exit.USAGE)
    return {"mapping": mapping}


def _upload(session: Session, file: str, filename: str, fields: dict[str, str]) -> Any:
    if file == "-":
        return session.client.upload("/datasets", sys.stdin.buffer, filename, None, fields)
    try:
        size = Path(file).stat().st_size
        with Path(file).open("rb") as source:
            return session.client.upload("/datasets", source, Path(file).name, size, fields)
    except OSError as error:
        raise Failure(f"{file} can't be read: {error.strerror}.", "Is the path right?", Exit.USAGE) from None


def _wait_for(session: Session, pushed: dict[str, Any]) -> Any:
    path = address("datasets", pushed["name"], "versions", pushed["version"])
    session.log(f"importing {pushed['name']} version {pushed['version']}")
    version = session.client.get(path)
    while version["status"] in UNFINISHED:
        time.sleep(POLL_SECONDS)
        version = session.client.get(path)
    if version["status"] == "needs_confirmation" and session.yes:
        session.client.post(f"{path}/confirmation")
        version = session.client.get(path)
    return version


def _way_on(version: dict[str, Any]) -> str:
    if version["status"] == "needs_confirmation":
        return (
            f"{version.get('rejected')} rows were rejected. Look at them on the version's page, then: "
            f"fittingroom dataset confirm {version['name']} {version['version']}"
        )
    return str(version.get("message") or "")


add_to_datasets(app)
add_keeping(app, "datasets", Dataset, versions=True)
