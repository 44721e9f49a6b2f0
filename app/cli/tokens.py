"""``fittingroom token``: works on the machine itself, for whoever may read the home directory."""

import typer

app = typer.Typer(help="API tokens, made on the machine itself.", no_args_is_help=True)
