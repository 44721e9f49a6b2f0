"""``fittingroom backup``, ``restore``, ``check`` and ``collect``: on the machine itself, without a server."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from app.cli.failures import Exit, Failure
from app.cli.locally import explained
from app.cli.output import Format, column, print_json, show_list
from app.cli.session import Session

LOSSES = [
    column("state", "state"),
    column("what", "what"),
    column("sha256", "sha256"),
    column("what to do", "remedy"),
]


def backup(
    session: Session,
    directory: Annotated[Path, typer.Argument(help="Where backups are kept; files are shared by them.")],
) -> None:
    """Save databases, files and anchors while everything runs.

    The first one copies every file, later ones only new files. Keep the directory on another disk.
    """
    with explained():
        # Imported here: the server's libraries would cost every other command half a second.
        from app.cli.upkeep import save

        saved = save(directory, _progress(session))
    manifest = saved.manifest
    session.log(
        f"{manifest.blobs} files of {manifest.blob_bytes:,} bytes, {saved.copied} of them new; "
        f"{sum(manifest.rows.values()):,} rows."
    )
    if session.output is Format.JSON:
        print_json({"backup": str(saved.folder), "missing": manifest.missing, "rows": dict(manifest.rows)})
    else:
        print(saved.folder)
    if manifest.missing:
        shown = "\n".join(manifest.missing[:10])
        raise Failure(f"{len(manifest.missing)} files were lost before:\n{shown}", "See: fittingroom check")


def restore(
    session: Session,
    directory: Annotated[Path, typer.Argument(help="A directory of backups (its newest), or one backup.")],
    home: Annotated[Path, typer.Option("--home", help="The new home directory; it must not exist yet.")],
) -> None:
    """Restore a backup into a new installation. Nothing that exists is touched.

    A backup of PostgreSQL goes into the empty database that DATABASE_URL names.
    """
    with explained():
        from app.cli.upkeep import bring_back

        restored = bring_back(directory, home, _progress(session))
    if session.output is Format.JSON:
        print_json(
            {"backup": str(restored.folder), "home": str(restored.home), "migrated": restored.migrated}
        )
    else:
        print(f"restored {restored.folder} of {restored.manifest.made_at} to {restored.home}")
    session.log(f"Start it with: FITTINGROOM_HOME={restored.home} make run")


def check(
    session: Session,
    content: Annotated[bool, typer.Option("--content", help="Read every file and compare its hash.")] = False,
) -> None:
    """Compare what the database names with the files that are there, and verify the audit."""
    with explained():
        from app.cli.upkeep import compare

        report, document = compare(content)
    show_list(document["losses"], LOSSES, session.output, document) if document["losses"] else None
    if session.output is Format.JSON and not document["losses"]:
        print_json(document)
    session.log(f"{report.named} files are named, {report.stored} stored.")
    if report.unnamed:
        session.log(
            f"{report.unnamed} files of {report.unnamed_size:,} bytes are named by nothing: they go with the "
            "next collection, unless FITTINGROOM_COLLECT_HOURS=0 keeps them."
        )
    for run in report.unfinished:
        session.log(f"Run #{run.number} is {run.status}: its steps go on when a worker starts.")
    if report.audit:
        session.log(f"The audit: {report.audit}")
    if not report.whole:
        raise Failure("Database and files do not belong together; see above.")


def collect(
    session: Session,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    older_than: Annotated[str, typer.Option("--older-than", help="As 24h or 7d.")] = "24h",
) -> None:
    """Remove stored files that nothing names any more."""
    hours = _hours(older_than)
    with explained():
        from app.cli.upkeep import collect_files

        document = collect_files(hours, dry_run)
    if not dry_run and document["count"] == 0:
        session.log("There was nothing to collect.")
    show_list(
        document["examples"],
        [column("sha256", "sha256"), column("bytes", "size"), column("changed", "changed_at")],
        session.output,
        document,
    )
    verb = "would go" if dry_run else "are gone"
    session.log(
        f"{document['count']} files of {document['size']:,} bytes {verb}; {document['kept']} are too new."
    )


def _hours(text: str) -> float:
    number, unit = text[:-1], text[-1:]
    try:
        return float(number) * {"h": 1, "d": 24}[unit]
    except (KeyError, ValueError):
        raise Failure(f"{text!r} is no age.", "Write it as 24h or 7d.", Exit.USAGE) from None


def _progress(session: Session) -> Callable[[str, int, int], None]:
    """One line that is written over, on a terminal only."""
    shown = sys.stderr.isatty() and not session.quiet

    def tell(what: str, done: int, total: int) -> None:
        if shown and (done % 20 == 0 or done == total):
            sys.stderr.write(f"\r{what}: {done} of {total}" + ("\n" if done == total else ""))

    return tell
