"""The verbs that data sets, runs and models share: tag, note, rename, archive, restore, delete.

What the arguments name is asked for its id; the rest is the same for all of them.
"""

import inspect
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from app.cli.client import address
from app.cli.output import Row, column, show_one
from app.cli.session import Session, command

SUBJECT = [
    column("title", "title"),
    column("kind", "kind"),
    ("tags", lambda subject: " ".join(subject["tags"])),
    column("note", "note", "text"),
    column("archived", "archived_at"),
    ("used by", lambda subject: ", ".join(use["title"] for use in subject["used_by"]["items"])),
    column("deletable", "deletable"),
    ("why not", lambda subject: " ".join(subject["reasons"])),
    column("id", "id"),
]
VERSION = Annotated[int | None, typer.Option("--version", help="One of its versions instead of the whole.")]


def add_keeping(app: typer.Typer, collection: str, argument: Any, *, versions: bool) -> None:
    """The verbs under a noun, whose things stand at ``/collection``; ``argument`` is what names one."""
    for name, act in VERBS.items():
        command(app, name)(_verb(name, act, collection, argument, versions))


def _verb(
    name: str, act: Callable[..., None], collection: str, argument: Any, versions: bool
) -> Callable[..., None]:
    """``act(session, subject_id, …)`` as ``verb(session, named, …, version)``."""

    def verb(session: Session, **given: Any) -> None:
        named, version = given.pop("named"), given.pop("version", None)
        path = address(collection, named, *(() if version is None else ("versions", version)))
        act(session, str(session.client.get(path)["id"]), **given)

    _session, _subject, *own = inspect.signature(act, eval_str=True).parameters.values()
    parameters = [_keyword("session", Session), _keyword("named", argument), *own]
    if versions:
        parameters.append(_keyword("version", VERSION, None))
    verb.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in parameters]
    )
    verb.__name__, verb.__doc__ = name, act.__doc__
    return verb


def _keyword(name: str, annotation: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def tag(
    session: Session,
    subject_id: str,
    tags: Annotated[list[str] | None, typer.Argument(metavar="TAG", help="None: show them.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take these away instead.")] = False,
) -> None:
    """Add tags, or take some away."""
    present = set(session.client.get(_at(subject_id, "tags"))["tags"])
    if tags:
        named = {tag.lower().removeprefix("#") for tag in tags}
        wanted = present - named if remove else present | named
        session.client.put(_at(subject_id, "tags"), {"tags": sorted(wanted)})
    _show(session, subject_id)


def note(
    session: Session,
    subject_id: str,
    text: Annotated[
        str | None,
        typer.Argument(metavar="TEXT", help="Replaces the note; - is stdin; none: show it."),
    ] = None,
) -> None:
    """Write the note, or show it."""
    if text is not None:
        seen = session.client.get(_at(subject_id, "note"))["row_version"]
        wanted = sys.stdin.read() if text == "-" else text
        session.client.put(_at(subject_id, "note"), {"text": wanted, "row_version": seen})
    _show(session, subject_id)


def rename(
    session: Session,
    subject_id: str,
    name: Annotated[str, typer.Argument(metavar="NEW-NAME", help="What it is called from now on.")],
) -> None:
    """Give it another name; a run has a label."""
    subject = session.client.get(_at(subject_id))
    session.confirm(f"Rename {subject['title']}? What names it so needs the new name.")
    _print(session, session.client.put(_at(subject_id, "name"), {"name": name}))


def archive(session: Session, subject_id: str) -> None:
    """Leave it out of the lists; "restore" brings it back."""
    _print(session, session.client.post(_at(subject_id, "archival")))


def restore(session: Session, subject_id: str) -> None:
    """Show it in the lists again."""
    _print(session, session.client.delete(_at(subject_id, "archival")))


def delete(session: Session, subject_id: str) -> None:
    """Delete it for good. Only what was never used, or is archived and holds up nothing, can be deleted."""
    subject = session.client.get(_at(subject_id))
    uses = ", ".join(use["title"] for use in subject["used_by"]["items"]) or "nothing"
    session.confirm(f"Delete {subject['title']} for good? Used by: {uses}.")
    session.client.delete(_at(subject_id))
    session.log(f"{subject['title']} was deleted.")


VERBS: dict[str, Callable[..., None]] = {
    "tag": tag,
    "note": note,
    "rename": rename,
    "archive": archive,
    "restore": restore,
    "delete": delete,
}


def _at(subject_id: str, *parts: str) -> str:
    return address("subjects", subject_id, *parts)


def _show(session: Session, subject_id: str) -> None:
    _print(session, session.client.get(_at(subject_id)))


def _print(session: Session, subject: Row) -> None:
    show_one(subject, SUBJECT, session.output)
