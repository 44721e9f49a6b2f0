"""``fittingroom recipe``: the named sets of parameters that runs are started with."""

from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from app.cli.client import address
from app.cli.failures import Failure
from app.cli.output import Format, at, column, print_json, show_list, show_one
from app.cli.runs import parameters_of
from app.cli.session import Session, command

CLASSIFIER = "review-classifier"

app = typer.Typer(help="Named sets of parameters.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The recipe's name.")]
Pipeline = Annotated[str, typer.Option("--pipeline", help="Of which pipeline.")]

LIST = [
    column("recipe", "name"),
    ("saved by", lambda recipe: at(recipe, "owner", "name") or "comes along"),
    ("values", lambda recipe: _in_words(recipe["values"])),
    column("description", "summary"),
]
RECIPE = [*LIST, column("changed", "changed_at"), column("row version", "row_version")]


@command(app, "ls")
def ls(session: Session, pipeline: Pipeline = CLASSIFIER) -> None:
    """List the recipes: those that come along, then those that people saved."""
    found = [one for one in session.client.get("/recipes")["items"] if one["pipeline"] == pipeline]
    if not found:
        raise Failure(f"There is no pipeline {pipeline}.", "fittingroom recipe ls shows the usual one.")
    show_list(found[0]["recipes"], LIST, session.output, found[0]["recipes"])


@command(app, "show")
def show(session: Session, name: Name, pipeline: Pipeline = CLASSIFIER) -> None:
    """Show a recipe: what it changes from the defaults, and whose it is."""
    _show(session, session.client.get(address("recipes", name), pipeline=pipeline))


@command(app, "save")
def save(
    session: Session,
    name: Name,
    run: Annotated[
        str | None, typer.Option("--from", metavar="RUN", help="Take this run's values; id or number.")
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option("--param", metavar="KEY=VALUE", help="Set one; may be repeated."),
    ] = None,
    summary: Annotated[str, typer.Option("--summary", help="What it is good for.")] = "",
    pipeline: Pipeline = CLASSIFIER,
) -> None:
    """Save a recipe under a new name, or change one of one's own."""
    values: dict[str, Any] = session.client.get(address("runs", run))["parameters"] if run else {}
    body: dict[str, Any] = {
        "name": name,
        "pipeline": pipeline,
        "summary": summary,
        "values": values | parameters_of(param or []),
    }
    before = _saved(session, name, pipeline)
    if before:
        session.confirm(f"Change the recipe {name}?")
        body |= {"row_version": before["row_version"], "summary": summary or before["summary"]}
    _show(session, session.client.post("/recipes", body))


@command(app, "delete")
def delete(session: Session, name: Name, pipeline: Pipeline = CLASSIFIER) -> None:
    """Delete a recipe of one's own. Runs keep the values they were started with."""
    session.confirm(f"Delete the recipe {name}?")
    session.client.delete(f"{address('recipes', name)}?{urlencode({'pipeline': pipeline})}")
    session.log(f"The recipe {name} was deleted.")


def _saved(session: Session, name: str, pipeline: str) -> dict[str, Any] | None:
    """The saved recipe of that name, if there is one; those that come along have no row version."""
    for one in session.client.get("/recipes")["items"]:
        for recipe in one["recipes"]:
            if one["pipeline"] == pipeline and recipe["name"] == name and recipe.get("row_version"):
                return dict(recipe)
    return None


def _show(session: Session, recipe: dict[str, Any]) -> None:
    if session.output is Format.JSON:
        print_json(recipe)
    else:
        show_one(recipe, RECIPE, session.output)


def _in_words(values: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items()) or "the defaults"
