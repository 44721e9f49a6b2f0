"""Restoring a backup into an installation that is not there yet, never over one that is.

Everything is read and compared first. What is restored stands beside the new home until it is whole; the
last thing that happens is a rename.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from alembic.script import ScriptDirectory
from alembic.util import CommandError

from app.accounts.audit import ANCHOR
from app.core import migrations
from app.core.settings import Settings
from app.core.storage.opening import open_storage
from app.monitoring.backup import databases, folder
from app.monitoring.backup.databases import NotEmpty
from app.monitoring.backup.folder import BackupBroken, Manifest, Progress
from ml.contract.faults import faultpoint

BUILDING = ".restoring"


@dataclass(frozen=True)
class Restored:
    folder: Path
    manifest: Manifest
    home: Path
    migrated: bool


def restore(settings: Settings, source: Path, progress: Progress) -> Restored:
    """``settings.home`` is the new home; its database and storage are those of the settings too."""
    found = folder.newest(source)
    manifest = folder.read(found)
    _require_fitting(settings, manifest)
    _require_empty(settings)
    folder.verify(found, manifest, progress)
    building = settings.home.with_name(settings.home.name + BUILDING)
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True, mode=0o700)
    migrated = _build(settings.model_copy(update={"home": building}), found, manifest, progress)
    if settings.home.exists():
        settings.home.rmdir()
    faultpoint("restore.rename")
    building.replace(settings.home)
    return Restored(found, manifest, settings.home, migrated)


def _build(settings: Settings, found: Path, manifest: Manifest, progress: Progress) -> bool:
    storage = open_storage(settings)
    listed = folder.blob_list(found)
    for count, sha256 in enumerate(listed, 1):
        storage.put_file(folder.blob_path(found, sha256), sha256=sha256)
        progress("files", count, len(listed))
    if (found / ANCHOR).exists():
        shutil.copyfile(found / ANCHOR, settings.home / ANCHOR)
    progress("database", 0, 1)
    databases.restore(settings, found)
    _compare(settings, manifest)
    older = migrations.head_differs(settings)
    if older:
        migrations.upgrade(settings)
    progress("database", 1, 1)
    return older


def _compare(settings: Settings, manifest: Manifest) -> None:
    counts = databases.counts_of(settings)
    differing = [name for name, count in manifest.rows.items() if counts.get(name) != count]
    if differing:
        raise BackupBroken(f"Rows are missing in {', '.join(differing)}.", "Take another backup.")


def _require_fitting(settings: Settings, manifest: Manifest) -> None:
    kind = databases.kind_of(settings)
    if manifest.database != kind:
        advice = "Set DATABASE_URL to an empty database." if kind == "sqlite" else "Unset DATABASE_URL."
        raise BackupBroken(f"The backup is of {manifest.database}, this would be {kind}.", advice)
    for bind, revision in manifest.migrations.items():
        if not _known(bind, revision):
            raise BackupBroken(
                f"A newer version, {manifest.version}, made this backup: {revision} is unknown here.",
                "Restore it with that version.",
            )


def _known(bind: str, revision: str) -> bool:
    try:
        ScriptDirectory.from_config(migrations.configuration(bind, "")).get_revision(revision)
    except CommandError:
        return False
    return True


def _require_empty(settings: Settings) -> None:
    if settings.home.exists() and any(settings.home.iterdir()):
        raise NotEmpty(f"{settings.home} is not empty.", "Name a new directory with --home.")
    databases.require_empty(settings)
