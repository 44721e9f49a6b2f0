"""The verbs of data sets: start an import, publish what it made, confirm it, find a version to train on."""

import json
from collections.abc import Mapping
from typing import Any

from app.accounts import audit
from app.core.changes import bump
from app.core.errors import Conflict, Invalid, NotFound
from app.core.ids import new_id
from app.core.lineage import record_edge
from app.core.numbers import next_version
from app.core.security import Actor
from app.core.services import NativeCall, Services
from app.core.work import Work
from app.datasets import queries, uploads
from app.datasets.queries import NamedVersion
from app.datasets.tables import Dataset, DatasetVersion, Upload, VersionStatus
from ml.data.importing import needs_confirmation
from ml.data.mapping import ColumnMapping

PIPELINE = "dataset-import"
DESCRIPTION = "version.json"


class DatasetNotFound(NotFound):
    title = "No such data set"


class VersionNotReady(Conflict):
    title = "The version is not ready"


class NothingToConfirm(Conflict):
    title = "There is nothing to confirm"


class NothingToCancel(Conflict):
    title = "There is nothing to cancel"


def start_import(
    work: Work, services: Services, actor: Actor, upload: Upload, name: str, mapping: ColumnMapping
) -> NamedVersion:
    """A new version of the data set, which is created where it is new, and the run that reads it."""
    uploads.require(mapping, upload.peek["columns"])
    dataset_id, number = next_version(work.session, Dataset, "ds", name, actor.id)
    version = DatasetVersion(
        id=new_id("dv"),
        dataset_id=dataset_id,
        number=number,
        status=VersionStatus.IMPORTING,
        message="",
        upload_id=upload.id,
        facts={},
        created_by=actor.id,
    )
    work.session.add(version)
    work.session.flush()
    record_edge(work.session, upload.id, version.id, "imported_as")
    version.run_id = services.launcher.launch(
        work,
        actor_id=actor.id,
        pipeline=PIPELINE,
        inputs={"upload": upload.tree_sha256},
        parameters={"filename": upload.filename, "mapping": json.dumps(mapping)},
        subject_id=version.id,
        label=f"{name} v{number}",
    )
    details = {"name": name, "version": number, "sha256": upload.sha256}
    audit.record(work.session, actor.id, "dataset_version.import_started", version.id, details)
    work.session.flush()
    return get_version(work, version.id)


def publish_version(work: Work, services: Services, call: NativeCall) -> dict[str, Any]:
    """The native step ``publish``: runs inside the transaction that finishes the step."""
    version = queries.locked_version(work.session, call.subject_id or "")
    if version is None:
        raise DatasetNotFound("The version that this run imports is gone.", "Upload the file again.")
    tree = call.inputs["version"]
    facts = json.loads(services.storage.read_bytes(tree.find(DESCRIPTION).sha256))
    if version.tree_sha256 not in (None, tree.sha256):
        raise Invalid("This version was published before, with other content.", "Upload the file again.")
    version.tree_sha256 = tree.sha256
    version.finished_at = queries.clock(work.session)
    _describe(version, facts)
    work.session.flush()
    audit.record(
        work.session,
        call.actor_id,
        "dataset_version.published",
        version.id,
        {"content_sha256": version.content_sha256, "rows": version.rows, "rejected": version.rejected},
    )
    bump(work.session, version.id)
    return {"dataset_version_id": version.id, "status": version.status, "rows": version.rows}


def _describe(version: DatasetVersion, facts: Mapping[str, Any]) -> None:
    doubtful = needs_confirmation(facts["rows"], facts["rejected"])
    version.status = VersionStatus.NEEDS_CONFIRMATION if doubtful else VersionStatus.READY
    version.message = ""
    version.facts = dict(facts)
    version.rows, version.rejected = facts["rows"], facts["rejected"]
    version.content_sha256 = facts["content_sha256"]


# By the status of its run. One that succeeded has published its version already.
_STATUS_BY_RUN = {
    "queued": VersionStatus.IMPORTING,
    "running": VersionStatus.IMPORTING,
    "failed": VersionStatus.FAILED,
    "cancelled": VersionStatus.CANCELLED,
}


def import_moved(work: Work, *, status: str, subject_id: str | None, message: str) -> None:
    """A version follows its import's run: it fails with it, and a retry makes it one that is read again."""
    follows = _STATUS_BY_RUN.get(status)
    if subject_id and follows and queries.follow_import(work.session, subject_id, follows, message):
        bump(work.session, subject_id)


def confirm_version(work: Work, actor: Actor, named: NamedVersion) -> NamedVersion:
    """Somebody has looked at the rejects and takes the version all the same."""
    version = named.version
    if not queries.confirm(work.session, version.id, actor.id):
        raise NothingToConfirm(
            f"Version {version.number} of {named.dataset.name} does not wait for a confirmation.",
            "Reload the page to see its state.",
        )
    audit.record(
        work.session,
        actor.id,
        "dataset_version.confirmed",
        version.id,
        {"rows": version.rows, "rejected": version.rejected},
    )
    bump(work.session, version.id)
    work.session.expire_all()
    return get_version(work, version.id)


def discard_version(work: Work, actor: Actor, named: NamedVersion) -> None:
    """Somebody has looked at the rejects and does not want the version. Its rows stay to be looked at."""
    version = named.version
    message = f"Discarded by {actor.name}, who looked at its rejected rows."
    if not queries.discard(work.session, version.id, message):
        raise NothingToConfirm(
            f"Version {version.number} of {named.dataset.name} does not wait for a confirmation.",
            "Reload the page to see its state.",
        )
    details = {"rows": version.rows, "rejected": version.rejected}
    audit.record(work.session, actor.id, "dataset_version.discarded", version.id, details)
    bump(work.session, version.id)


def cancel_import(work: Work, services: Services, actor: Actor, named: NamedVersion) -> None:
    """Its run is cancelled; the version follows when the run has stopped."""
    version = named.version
    if version.status != VersionStatus.IMPORTING or version.run_id is None:
        raise NothingToCancel(
            f"Version {version.number} of {named.dataset.name} is not being imported.",
            "Reload the page to see its state.",
        )
    services.launcher.cancel(work, services, version.run_id, actor.id)


def get_version(work: Work, version_id: str) -> NamedVersion:
    named = queries.version_by_id(work.session, version_id)
    if named is None:
        raise DatasetNotFound("There is no such data set version.", "All of them are listed under Data sets.")
    return named


def find_dataset(work: Work, name: str) -> Dataset:
    dataset = queries.dataset_by_name(work.session, name)
    if dataset is None:
        raise DatasetNotFound(
            f"There is no data set {name[:120]!r}.", "All of them are listed under Data sets."
        )
    return dataset


def find_version(work: Work, name: str, number: int) -> NamedVersion:
    dataset = find_dataset(work, name)
    # A number that no column can hold is simply not there.
    known = 0 < number <= dataset.last_number
    named = queries.version_by_number(work.session, dataset.id, number) if known else None
    if named is None:
        raise DatasetNotFound(
            f"The data set {name[:120]!r} has no version {number}.", "Its versions are listed on its page."
        )
    return named


def newest_version(work: Work, name: str) -> NamedVersion:
    dataset = find_dataset(work, name)
    return find_version(work, dataset.id, dataset.last_number)


def ready_version(work: Work, name: str, number: int | None = None) -> NamedVersion:
    """The version to train on: the named one, or the newest that is ready."""
    if number is None:
        found = queries.newest_ready(work.session, find_dataset(work, name).id)
        named = found or newest_version(work, name)
    else:
        named = find_version(work, name, number)
    if named.version.status != VersionStatus.READY:
        raise VersionNotReady(
            f"{named.dataset.name} version {named.version.number} is {_said(named.version.status)}.",
            _WAY_ON.get(VersionStatus(named.version.status), "Upload the file again."),
            version_status=named.version.status,
        )
    return named


def _said(status: str) -> str:
    return status.replace("_", " ")


_WAY_ON = {
    VersionStatus.IMPORTING: "Wait until its import has ended.",
    VersionStatus.NEEDS_CONFIRMATION: "Look at its rejected rows and confirm it first.",
}
