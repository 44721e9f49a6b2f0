"""``fittingroom cloud``: set SageMaker up, see what it may, what it made and what that costs; delete it."""

import time
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import typer

from app.cli.client import address
from app.cli.failures import Failure
from app.cli.locally import explained
from app.cli.output import Format, column, print_json, show_list, show_one
from app.cli.session import Session, command

app = typer.Typer(help="Amazon SageMaker: settings, permissions, resources.", no_args_is_help=True)

Given = str | None
SETTINGS = [
    column("region", "region"),
    column("role", "role_arn"),
    column("bucket", "bucket"),
    column("prefix", "prefix"),
    column("assumed role", "assume_role"),
    column("processing", "processing_instance"),
    column("training", "training_instance"),
    column("serving", "serving_instance"),
    column("processing image", "processing_image"),
    column("training image", "training_image"),
    column("serving image", "serving_image"),
    column("spot", "spot"),
]
FINDINGS = [
    column("outcome", "state"),
    column("permission", "permission"),
    column("needed to", "purpose"),
    column("found", "message"),
    column("what to do", "advice"),
]
RESOURCES = [
    column("id", "id"),
    column("kind", "kind"),
    column("name", "name"),
    column("region", "region"),
    column("made by", "made_by"),
    column("state", "state"),
    ("$ an hour", lambda row: _hourly(row)),
    column("since", "created_at"),
    column("problem", "problem"),
]
POLL_SECONDS = 0.5
OPEN = ("waiting", "working")
Document = Literal["caller", "execution", "trust"]


@command(app, "setup")
def setup(
    session: Session,
    region: Annotated[Given, typer.Option("--region", help="Such as eu-west-1.")] = None,
    bucket: Annotated[Given, typer.Option("--bucket", help="The S3 bucket, by its name alone.")] = None,
    role: Annotated[Given, typer.Option("--role", help="The ARN of the role that jobs run as.")] = None,
    prefix: Annotated[Given, typer.Option("--prefix", help="Where in the bucket; fittingroom.")] = None,
    assume_role: Annotated[
        Given, typer.Option("--assume-role", help="The ARN of a role to take on before speaking to AWS.")
    ] = None,
    processing: Annotated[Given, typer.Option("--processing-instance", help="As ml.c5.2xlarge.")] = None,
    training: Annotated[Given, typer.Option("--training-instance", help="As ml.c5.9xlarge.")] = None,
    serving: Annotated[Given, typer.Option("--serving-instance", help="As ml.m5.large.")] = None,
    spot: Annotated[
        bool | None, typer.Option("--spot/--no-spot", help="Train on spare capacity, cheaper, with waits.")
    ] = None,
) -> None:
    """Say where and as which role SageMaker is used. What is left out stays as it is.

    No server is needed: this opens the database that FITTINGROOM_HOME or DATABASE_URL names. Credentials are
    never entered here: they come from the environment, the shared file or the machine's role.
    """
    given = {
        "region": region,
        "bucket": bucket,
        "role_arn": role,
        "prefix": prefix,
        "assume_role": assume_role,
        "processing_instance": processing,
        "training_instance": training,
        "serving_instance": serving,
        "spot": spot,
    }
    with explained():
        # Imported here: the server's libraries would cost every other command half a second.
        from app.cli.machine import set_up_cloud

        saved = set_up_cloud({name: value for name, value in given.items() if value is not None})
    show_one(saved, SETTINGS, session.output)
    session.log("Saved. Next: fittingroom cloud check")


@command(app, "show")
def show(session: Session) -> None:
    """Show where and as which role SageMaker is used. There are no credentials to be shown."""
    show_one(session.client.get("/cloud"), SETTINGS, session.output)


@command(app, "policy")
def policy(
    session: Session,
    name: Annotated[
        Document, typer.Argument(help="For the product itself, for its jobs' role, or who may take that.")
    ] = "caller",
) -> None:
    """Print a least-privilege policy for IAM, ready to be pasted."""
    print_json(session.client.get("/cloud/policies")[name])


@command(app, "check")
def check(session: Session) -> None:
    """Let a worker try each permission by itself; exit code 1 where one is missing."""
    result = _done(session, session.client.post("/cloud/checks"))
    show_list(result["findings"], FINDINGS, session.output, result)
    if result["failed"]:
        raise Failure(f"{result['failed']} of {len(result['findings'])} failed.", "fittingroom cloud policy")


@command(app, "resources")
def resources(
    session: Session,
    check: Annotated[bool, typer.Option("--check", help="Compare with what is at AWS first.")] = False,
    state: Annotated[str, typer.Option("--state", help="standing, troubled, deleted or all.")] = "standing",
) -> None:
    """List what was made at AWS, and what it costs by the hour."""
    if check:
        found = _done(session, session.client.post("/cloud/looks"))
        session.log(f"{len(found['gone'])} gone from AWS, {len(found['found'])} found there and added.")
        for each in found["foreign"]:
            session.log(f"Named like ours, without this installation's tag: {each['kind']} {each['name']}")
    answer = session.client.get("/cloud/resources", state=state)
    show_list(answer["items"], RESOURCES, session.output, answer)


@command(app, "delete-all")
def delete_all(session: Session) -> None:
    """Delete all that was made at AWS; what runs is stopped first. Again goes on where it ended."""
    answer = session.client.get("/cloud/resources")
    if not answer["items"]:
        session.log("There is nothing to delete.")
        return
    for each in answer["items"]:
        session.log(f"{each['kind']} {each['name']} ({each['region']})")
    session.confirm(f"Delete these {answer['total']} resources at AWS for good?")
    ordered = session.client.delete(f"/cloud/resources?expected={answer['total']}")
    result = _done(session, ordered)
    if session.output is Format.JSON:
        print_json(result)
    session.log(f"{result['deleted']} deleted.")
    if result["failed"]:
        shown = "\n".join(f"{each['kind']} {each['name']}: {each['reason']}" for each in result["failed"])
        raise Failure(f"{len(result['failed'])} could not be deleted:\n{shown}", "Then delete again.")


def _done(session: Session, errand: Mapping[str, Any]) -> Any:
    """What a worker did. While it waits for AWS it says so, and Ctrl-C leaves it at work."""
    told = ""
    while errand["state"] in OPEN:
        if errand["message"] != told:
            told = str(errand["message"])
            session.log(told)
        time.sleep(POLL_SECONDS)
        errand = session.client.get(address("cloud", "errands", errand["id"]))
    if errand["state"] != "done":
        raise Failure(errand["message"] or f"It was {errand['state']}.", errand["advice"])
    return errand["result"]


def _hourly(row: Mapping[str, Any]) -> Any:
    if not row["bills_by_the_hour"]:
        return ""
    return "unknown" if row["dollars_per_hour"] is None else row["dollars_per_hour"]
