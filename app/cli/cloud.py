"""``fittingroom cloud``: set SageMaker up, see what it may, what it made and what that costs; delete it."""

from typing import Annotated

import typer

from app.cli.locally import explained
from app.cli.output import column, show_one
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
