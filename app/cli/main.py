"""The program ``fittingroom``: nouns and verbs, and the few verbs that need no noun."""

import typer

from app.cli import datasets, doctor, migrating, models, notices, recipes, runs, searching, serving, tokens
from app.cli.session import command

HELP = """From customer reviews to an approved, served classifier.

Every command but "token", "doctor" and "migrate" speaks to a server (--url, FITTINGROOM_URL) with a token \
(--token, FITTINGROOM_TOKEN). Data goes to standard output, progress and errors to standard error.
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
app.add_typer(tokens.app, name="token")
command(app, "doctor")(doctor.doctor)
command(app, "migrate")(migrating.migrate)


def main() -> None:
    app(prog_name="fittingroom")
