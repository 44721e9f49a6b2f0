"""What a worker does in the cloud, ordered from the command line and waited for."""

import time
from typing import Annotated, Any

import typer

from app.cli.client import address
from app.cli.failures import Exit, Failure
from app.cli.output import Format, column, print_json, show_list, show_one
from app.cli.session import Session, command

POLL_SECONDS = 0.5
OPEN = ("waiting", "working")

Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Until a worker has done it.")]
Remove = Annotated[bool, typer.Option("--remove", help="Take it away from AWS instead.")]
Version = Annotated[int | None, typer.Option("--version", help="Instead of the newest one.")]

DATASET = [
    column("name", "dataset"),
    column("version", "version"),
    column("in AWS", "in_aws"),
    column("database", "database"),
    column("table", "table"),
    column("location", "location"),
]
FEATURES = [column("run", "number"), column("in AWS", "in_aws"), column("location", "location")]


def add_to_datasets(app: typer.Typer) -> None:
    @command(app, "to-aws")
    def to_aws(
        session: Session,
        name: Annotated[str, typer.Argument(help="Name or id of the data set.")],
        version: Version = None,
        remove: Remove = False,
        wait: Wait = True,
    ) -> None:
        """Send a version's rows to S3 and register them in Glue, or take them away again."""
        path = address(*_version(session, name, version), "aws")
        _order(session, path, remove)
        answer = _waited(session, path) if wait else session.client.get(path)
        show_one(answer, DATASET, session.output)

    @command(app, "ask")
    def ask(
        session: Session,
        name: Annotated[str, typer.Argument(help="Name or id of the data set.")],
        version: Version = None,
        question: Annotated[
            str | None,
            typer.Option(
                "--question",
                help="sentiment, category, average, category-sentiment or words.",
            ),
        ] = None,
        sql: Annotated[str | None, typer.Option("--sql", help="One SELECT of your own.")] = None,
    ) -> None:
        """Ask a version that is in AWS through Athena, and wait for the answer."""
        if (question is None) == (sql is None):
            raise Failure("Ask either a --question or --sql.", "--question sentiment", Exit.USAGE)
        path = address(*_version(session, name, version), "athena")
        asked = {"question": question} if question else {"sql": sql}
        query = session.client.post(path, asked)
        while query["state"] in OPEN:
            time.sleep(POLL_SECONDS)
            query = session.client.get(f"{path}/{query['id']}")
        _check(query)
        _show_result(session, query)


def add_to_runs(app: typer.Typer) -> None:
    @command(app, "features-to-aws")
    def features_to_aws(
        session: Session,
        run_id: Annotated[str, typer.Argument(metavar="ID", help="The run's id, run_….")],
        remove: Remove = False,
        wait: Wait = True,
    ) -> None:
        """Send what prepare wrote to S3, as Parquet and TFRecord, or take it away again."""
        path = address("runs", run_id, "features")
        _order(session, path, remove)
        answer = _waited(session, path) if wait else session.client.get(path)
        show_one(answer, FEATURES, session.output)


def _version(session: Session, name: str, version: int | None) -> tuple[str | int, ...]:
    number = version or session.client.get(address("datasets", name))["version"]
    return "datasets", name, "versions", number


def _order(session: Session, path: str, remove: bool) -> None:
    if remove:
        session.client.delete(path)
    else:
        session.client.post(path)


def _waited(session: Session, path: str) -> Any:
    shown = ""
    while True:
        answer = session.client.get(path)
        last = answer["last"]
        if last["state"] not in OPEN:
            _check(last)
            return answer
        if last["message"] != shown:
            shown = last["message"]
            session.log(shown)
        time.sleep(POLL_SECONDS)


def _check(errand: dict[str, Any]) -> None:
    if errand["state"] != "done":
        raise Failure(errand["message"] or f"It was {errand['state']}.", errand["advice"])


def _show_result(session: Session, query: dict[str, Any]) -> None:
    result = query["result"]
    if session.output is Format.JSON:
        print_json(query)
        return
    names = [each["name"] for each in result["columns"]]
    rows = [dict(zip(names, row, strict=True)) for row in result["rows"]]
    show_list(rows, [column(name, name) for name in names], session.output, query)
    if result["more"]:
        session.log(f"These are the first {len(rows)} rows; all of them are in the bucket.")
