"""Making a backup while the product runs: anchors, then the databases, then every file that they name.

In this order: an anchor never names an audit entry that the copy lacks, and each file that the copied rows
name was stored before them.
"""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from app.accounts.audit import ANCHOR, anchor_file
from app.core.errors import NotFound
from app.core.settings import Settings
from app.core.storage import Storage
from app.monitoring.backup import databases, folder
from app.monitoring.backup.folder import Manifest, Progress
from app.monitoring.references import Names, names
from app.monitoring.root_queries import roots

SETTINGS = "settings.json"
SECRET = {"database_url", "redis_url", "home"}


@dataclass(frozen=True)
class Saved:
    folder: Path
    manifest: Manifest
    copied: int  # files that were not there from a backup before
    copied_bytes: int


@dataclass
class _Copied:
    all: int = 0
    bytes: int = 0
    new: int = 0
    new_bytes: int = 0


def save(settings: Settings, storage: Storage, root: Path, progress: Progress) -> Saved:
    with folder.locked(root):
        made = folder.begin(root)
        if anchor_file(settings.home).exists():
            shutil.copyfile(anchor_file(settings.home), made / ANCHOR)
        progress("database", 0, 1)
        with databases.snapshot(settings, made) as session:
            named = names(storage, roots(session))
            rows = databases.row_counts(session, made)
            revisions = databases.revisions(session, made)
        progress("database", 1, 1)
        kept, copied, missing = _copy(storage, named, root, progress)
        (made / folder.BLOB_LIST).write_text("\n".join(kept), encoding="ascii")
        (made / SETTINGS).write_text(settings.model_dump_json(indent=1, exclude=SECRET), encoding="utf-8")
        manifest = Manifest(
            format=folder.FORMAT,
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            version=version("fittingroom"),
            database=databases.kind_of(settings),
            server=databases.server(settings),
            migrations=revisions,
            rows=rows,
            blobs=copied.all,
            blob_bytes=copied.bytes,
            files=folder.described(made),
            missing=missing,
        )
        return Saved(folder.finish(made, manifest), manifest, copied.new, copied.new_bytes)


def _copy(
    storage: Storage, named: Names, root: Path, progress: Progress
) -> tuple[list[str], _Copied, list[str]]:
    """What is lost or damaged is told and keeps nobody from saving the rest."""
    kept: list[str] = []
    missing: list[str] = []
    copied = _Copied()
    for count, (sha256, owner) in enumerate(named.files.items(), 1):
        new = not (root / folder.BLOBS / sha256[:2] / sha256).exists()
        size = _copy_one(storage, root, sha256)
        if size < 0:
            missing.append(f"{sha256} of {owner.what}")
        else:
            kept.append(sha256)
            copied.all, copied.bytes = copied.all + 1, copied.bytes + size
            copied.new, copied.new_bytes = copied.new + new, copied.new_bytes + new * size
        progress("files", count, len(named.files))
    return kept, copied, missing


def _copy_one(storage: Storage, root: Path, sha256: str) -> int:
    try:
        with storage.open(sha256) as source:
            return folder.keep_blob(root, sha256, source)
    except NotFound:
        return -1
