"""The verbs on uploads: look at one, keep it. A file that can never become a data set is not kept."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from app.accounts import audit
from app.core.errors import Conflict, Invalid, NotFound
from app.core.ids import new_id
from app.core.security import Actor
from app.core.storage import Storage, StoredFile
from app.core.work import Work
from app.datasets import queries
from app.datasets.tables import Upload
from ml.contract.outcome import StepRefused
from ml.data.mapping import ColumnMapping, complete, require_usable
from ml.data.peek import peek

CONTENT = "upload"  # the file's name inside the artifact; the sender's name is only shown


class UnusableFile(Invalid):
    title = "The file can't be used"


class UploadNotFound(NotFound):
    title = "No such upload"


class UploadInUse(Conflict):
    title = "The upload is in use"


class FileAtHand(NamedTuple):
    """A file on this machine's disk that somebody wants to keep."""

    path: Path
    filename: str
    sha256: str | None = None
    move: bool = True


def look(file: FileAtHand, mapping: Mapping[str, object]) -> dict[str, Any]:
    """What the first MiB says, with a mapping complete as far as it can be guessed."""
    try:
        return asdict(peek(file.path, file.filename, mapping))
    except StepRefused as refused:
        raise UnusableFile(refused.message, refused.advice) from None


def keep(
    work: Work,
    storage: Storage,
    actor: Actor,
    file: FileAtHand,
    stored: StoredFile,
    name: str,
    found: dict[str, Any],
) -> Upload:
    """``stored`` is what :func:`store` returned, which takes its time and must not hold a transaction."""
    upload = Upload(
        id=new_id("up"),
        filename=file.filename,
        sha256=stored.sha256,
        size=stored.size,
        tree_sha256=storage.put_manifest([stored]).sha256,
        dataset_name=name,
        peek=found,
        created_by=actor.id,
    )
    work.session.add(upload)
    work.session.flush()
    return upload


def store(storage: Storage, file: FileAtHand) -> StoredFile:
    kept = storage.put_file(file.path, move=file.move, sha256=file.sha256)
    return StoredFile(CONTENT, kept.sha256, kept.size)


def get(work: Work, upload_id: str) -> Upload:
    upload = queries.upload_by_id(work.session, upload_id)
    if upload is None or not upload.tree_sha256:  # its file went with the version that was made of it
        raise UploadNotFound("There is no such upload.", "Upload the file again.")
    return upload


def discard(work: Work, actor: Actor, upload: Upload) -> None:
    """The file itself goes when unused files are collected."""
    if not queries.forget_upload(work.session, upload.id):
        raise UploadInUse("A version was made of this upload.", "Delete the version instead.")
    details = {"filename": upload.filename, "sha256": upload.sha256}
    audit.record(work.session, actor.id, "upload.discarded", upload.id, details)


def chosen_mapping(upload: Upload, choices: Mapping[str, object]) -> ColumnMapping:
    """The choices over what the first look found. Roles that are not chosen keep the guess."""
    peeked = upload.peek
    given = {**peeked["mapping"], **choices}
    try:
        return complete(given, peeked["columns"], peeked["rows"])
    except StepRefused as refused:
        raise UnusableFile(refused.message, refused.advice) from None


def require(mapping: ColumnMapping, columns: list[str]) -> None:
    """A text, and a rating or a label: else 422 with the columns that were found."""
    try:
        require_usable(mapping, columns)
    except StepRefused as refused:
        raise UnusableFile(refused.message, refused.advice, columns=list(columns)) from None
