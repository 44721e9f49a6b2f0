"""Sending a version to AWS, and taking it away again: the verbs, and what a worker does for them.

What it makes is in the ledger before it is made. Files are named by their content, so sending again sends
only what is missing; what stands beside them without being wanted is deleted, since Athena would count it.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.accounts import audit
from app.core.security import Actor
from app.core.services import Services
from app.core.storage.trees import StoredFile
from app.core.work import Work
from app.datasets import service as datasets
from app.datasets.aws import catalogue
from app.datasets.aws.places import Place, place_of
from app.datasets.aws.shape import reshape
from app.datasets.queries import NamedVersion
from app.datasets.service import DESCRIPTION, VersionNotReady
from app.datasets.tables import VersionStatus
from app.integrations.aws import objects
from app.integrations.aws.clients import Aws, aws_of
from app.integrations.aws.queries import resource
from app.integrations.aws.resources import note_resource, resource_gone
from app.integrations.errands import queries, service
from app.integrations.errands.doing import Call
from app.integrations.errands.service import UnderWay
from app.integrations.errands.tables import Errand, ErrandState

SEND, REMOVE = "dataset-send", "dataset-remove"
KINDS = (SEND, REMOVE)
HIDDEN = "_"  # Athena reads no file whose name begins so


def order_sending(work: Work, services: Services, actor: Actor, named: NamedVersion) -> Errand:
    """Only what people may train on goes out."""
    version = named.version
    if version.status != VersionStatus.READY:
        raise VersionNotReady(
            f"{named.dataset.name} version {version.number} can't be sent: it is not ready.",
            "Wait for its import, or confirm its rejected rows first.",
        )
    place = place_of(aws_of(services, work).config, named)
    errand = service.order_alone(work, actor, SEND, version.id, {"place": place.as_json()}, KINDS)
    audit.record(work.session, actor.id, "dataset_version.sent_to_aws", version.id, place.as_json())
    return errand


def order_removal(work: Work, actor: Actor, named: NamedVersion) -> Errand:
    """From where it was sent, which needs not be where it would be sent now."""
    place = sent_to(work, named.version.id)
    if place is None:
        raise UnderWay("This version is not in AWS.", "Reload the page to see its state.")
    details = {"place": place.as_json()}
    errand = service.order_alone(work, actor, REMOVE, named.version.id, details, KINDS)
    audit.record(
        work.session, actor.id, "dataset_version.removed_from_aws", named.version.id, details["place"]
    )
    return errand


def sent_to(work: Work, version_id: str) -> Place | None:
    """Where something of it may stand: also after a sending that failed half way."""
    for errand in queries.errands_of(work.session, version_id, KINDS):
        if errand.kind == REMOVE and errand.state == ErrandState.DONE:
            return None
        if errand.kind == SEND and errand.fence:
            return Place(**errand.details["place"])
    return None


def standing_at(work: Work, version_id: str) -> Place | None:
    """Where it can be asked: a sending ended well, and neither we nor "delete all" took it away since."""
    last = queries.last_done(work.session, version_id, KINDS)
    if last is None or last.kind != SEND:
        return None
    place = Place(**last.details["place"])
    noted = resource(work.session, "glue-table", place.table_id, place.region)
    return place if noted is not None and noted.deleted_at is None else None


def send(services: Services, call: Call) -> Mapping[str, Any]:
    """What a worker does for :func:`order_sending`."""
    place = Place(**call.details["place"])
    with services.works.writing() as work:
        aws, named = aws_of(services, work), datasets.get_version(work, call.subject_id)
        _note(work, place, call.subject_id)
    files = _send_files(services, aws, named, place, call)
    wanted = {str(file["key"]) for file in files}
    strays = objects.remove_below(aws, place.bucket, place.key, lambda key: key not in wanted)
    shards = [file for file in files if file["rows"] is not None]
    rows = sum(int(file["rows"]) for file in shards)
    catalogue.register(aws, place, _about(named, rows))
    size = sum(int(file["size"]) for file in shards)
    return {**place.as_json(), "files": files, "rows": rows, "bytes": size, "strays": strays}


def _note(work: Work, place: Place, version_id: str) -> None:
    region = place.region
    note_resource(work, "s3-prefix", place.location, region=region, subject_id=version_id)
    note_resource(work, "glue-database", place.database, region=region, subject_id=None)
    note_resource(work, "glue-table", place.table_id, region=region, subject_id=version_id)


def _about(named: NamedVersion, rows: int) -> dict[str, str]:
    return {
        "recordCount": str(rows),
        "fittingroom_dataset": named.dataset.name,
        "fittingroom_version": str(named.version.number),
        "fittingroom_content_sha256": named.version.content_sha256 or "",
    }


def _send_files(
    services: Services, aws: Aws, named: NamedVersion, place: Place, call: Call
) -> list[dict[str, Any]]:
    tree = services.storage.tree(named.version.tree_sha256 or "")
    shards = [file for file in tree.files if file.path.startswith("reviews-")]
    total, done = sum(file.size for file in shards), 0
    scratch = services.storage.scratch("to-aws-")
    try:
        sent = [_send_description(services, aws, place, tree.find(DESCRIPTION))]
        for file in shards:
            call.report(done, total, f"{len(sent)} of {len(shards)} files")
            sent.append(_send_shard(services, aws, place, file, scratch / "shard.parquet"))
            done += file.size
        call.report(total, total, f"{len(shards)} of {len(shards)} files")
        return sent
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _send_shard(
    services: Services, aws: Aws, place: Place, file: StoredFile, scratch: Path
) -> dict[str, Any]:
    sha256, rows = reshape(services.storage.checked_path(file.sha256), scratch)
    sent = objects.send(aws, scratch, place.bucket, f"{place.key}{sha256}.parquet", sha256)
    return {"key": sent.key, "sha256": sha256, "size": sent.size, "rows": rows, "already": sent.already}


def _send_description(services: Services, aws: Aws, place: Place, file: StoredFile) -> dict[str, Any]:
    """How the file was read and what was counted, beside the rows."""
    source = services.storage.checked_path(file.sha256)
    key = f"{place.key}{HIDDEN}{file.sha256}.json"
    sent = objects.send(aws, source, place.bucket, key, file.sha256)
    return {"key": key, "sha256": file.sha256, "size": sent.size, "rows": None, "already": sent.already}


def remove(services: Services, call: Call) -> Mapping[str, Any]:
    """What a worker does for :func:`order_removal`: the table first, so that nobody asks an empty one."""
    place = Place(**call.details["place"])
    with services.works.reading() as work:
        aws = aws_of(services, work)
    last = catalogue.unregister(aws, place)
    removed = objects.remove_below(aws, place.bucket, place.key)
    with services.works.writing() as work:
        resource_gone(work, "glue-table", place.table_id)
        resource_gone(work, "s3-prefix", place.location)
        if last:
            resource_gone(work, "glue-database", place.database)
    return {**place.as_json(), "removed": removed}
