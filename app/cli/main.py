"""The program ``fittingroom``: nouns and verbs, and the few verbs that need no noun."""

import typer

from app.cli import (
    cloud,
    datasets,
    doctor,
    migrating,
    models,
    notices,
    operating,
    recipes,
    runs,
    searching,
    serving,
    tokens,
    watching,
    workers,
)
from app.cli.session import command

HELP = """From customer reviews to an approved, served classifier.

"token", "cloud setup", "doctor", "migrate", "backup", "restore", "check" and "collect" work on the machine \
itself. Every other command speaks to a server (--url, FITTINGROOM_URL) with a token (--token, \
FITTINGROOM_TOKEN). Data goes to standard output, progress and errors to standard error.
"""
EPILOG = (
    "Exit codes: 0 ok · 1 failed · 2 usage · 3 gate failed · 4 not found · 5 not signed in or not allowed"
)

app = typer.Typer(
    help=HELP, epilog=EPILOG, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)
app.add_typer(datasets.app, name="dataset")
app.add_typer(runs.app, name="run")
app.add_typer(recipes.app, name="recipe")
app.add_typer(models.app, name="model")
command(app, "deploy")(serving.deploy)
command(app, "predict")(serving.predict)
command(app, "search")(searching.search)
command(app, "notices")(notices.notices)
app.add_typer(workers.app, name="worker")
app.add_typer(cloud.app, name="cloud")
app.add_typer(tokens.app, name="token")
command(app, "doctor")(doctor.doctor)
command(app, "migrate")(migrating.migrate)
command(app, "system")(watching.system)
command(app, "backup")(operating.backup)
command(app, "restore")(operating.restore)
command(app, "check")(operating.check)
command(app, "collect")(operating.collect)


def main() -> None:
    app(prog_name="fittingroom")
