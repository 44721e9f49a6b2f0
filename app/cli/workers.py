"""``fittingroom worker``: start one on this machine, see all, drain one, let another machine join."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from app.cli.client import address
from app.cli.failures import Exit, Failure
from app.cli.output import Format, column, print_json, show_list
from app.cli.session import Session, command

app = typer.Typer(help="Workers: the processes that execute steps.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The worker's name, as the list shows it.")]
FILE = "worker.env"  # in the home, what joining wrote
LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})

LIST = [
    column("name", "id"),
    column("state", "state"),
    ("queues", lambda row: ",".join(row["queues"])),
    ("busy", lambda row: f"{row['busy']} of {sum(row['slots'].values())}"),
    ("cards", lambda row: ",".join(row["devices"])),
    column("version", "version"),
    ("running", lambda row: "; ".join(f"#{each['run']} {each['step']}" for each in row["running"])),
    column("problem", "problem"),
]


@command(app, "start")
def start(
    session: Session,
    queues: Annotated[
        str, typer.Option("--queues", help="Of cpu, gpu and io; gpu needs a card.")
    ] = "cpu,gpu,io",
    slots: Annotated[
        int | None, typer.Option("--slots", min=1, help="Steps at a time, beside one a card; else 3.")
    ] = None,
) -> None:
    """Start a worker here, of the installation that the environment, or worker.env in the home, names."""
    _read_file(_home() / FILE)
    command_line = [sys.executable, "-m", "workers.starting", "--queues", queues]
    command_line += ["--slots", str(slots)] if slots else []
    session.log(f"Starting a worker for {queues}; Ctrl-C hands its steps back and stops it.")
    os.execv(sys.executable, command_line)  # noqa: S606 - a program of ours, and no shell


@command(app, "list")
def ls(session: Session) -> None:
    """List the workers that are alive, and what they have in hand."""
    answer = session.client.get("/workers")
    show_list(answer["items"], LIST, session.output, answer)
    for queue in answer["queues_without_worker"]:
        session.log(f"No worker serves the queue {queue}, in which steps wait.")


@command(app, "drain")
def drain(
    session: Session,
    name: Name,
    leave: Annotated[bool, typer.Option("--exit", help="It ends once it has nothing left.")] = False,
) -> None:
    """Let a worker finish what it has, and take nothing new."""
    _show(session, session.client.post(address("workers", name, "draining"), {"leave": leave}))


@command(app, "resume")
def resume(session: Session, name: Name) -> None:
    """Let a drained worker take steps again."""
    session.client.delete(address("workers", name, "draining"))
    rows = session.client.get("/workers")["items"]
    _show(session, next((row for row in rows if row["id"] == name), {}))


@command(app, "invite")
def invite(session: Session, name: Annotated[str, typer.Argument(help="What to call the machine.")]) -> None:
    """Make a token with which another machine joins, once and within an hour."""
    key = session.client.post("/workers/keys", {"name": name})
    if session.output is Format.JSON:
        print_json(key)
    else:
        print(key["token"])
    session.log(f"On the other machine: fittingroom worker join {session.client.url} --join-token …")


@command(app, "revoke")
def revoke(session: Session, key: Annotated[str, typer.Argument(help="The key's id, wk_….")]) -> None:
    """Take a machine's key away: its workers hand their steps back and stop."""
    session.client.delete(address("workers", "keys", key))
    session.log("Its workers stop within seconds. Who copied its settings has the database's password still.")


@command(app, "join")
def join(
    session: Session,
    server: Annotated[str, typer.Argument(help="The address of the installation.")],
    join_token: Annotated[str, typer.Option("--join-token", help="From: fittingroom worker invite.")],
) -> None:
    """Fetch what a worker on this machine needs, into worker.env of the home, for its owner's eyes only."""
    parts = urlsplit(server)
    if parts.scheme != "https" and parts.hostname not in LOCAL:
        message = f"{server} would be asked over an open line, and its answer holds passwords."
        raise Failure(message, "Use its https:// address.", Exit.USAGE)
    client = Session(session.output, session.quiet, session.yes, server, None).client
    settings = client.post("/workers/join", {"token": join_token})["settings"]
    file = _home() / FILE
    _write_file(file, settings)
    session.log(f"Joined. {file} holds the settings. Next: fittingroom worker start")


def _home() -> Path:
    return Path(os.environ.get("FITTINGROOM_HOME", ".fittingroom")).expanduser().resolve()


def _write_file(file: Path, settings: dict[str, str]) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as written:
        written.writelines(f"{name}={value}\n" for name, value in settings.items())


def _read_file(file: Path) -> None:
    """What stands in the environment wins."""
    if file.exists():
        lines = (line.partition("=") for line in file.read_text().splitlines() if "=" in line)
        for name, _, value in lines:
            os.environ.setdefault(name, value)


def _show(session: Session, row: Any) -> None:
    if session.output is Format.JSON:
        print_json(row)
    elif row:
        show_list([row], LIST, session.output, row)
