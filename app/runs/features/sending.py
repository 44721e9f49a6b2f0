"""A run's features in S3: what prepare wrote, as Parquet and as TFRecord files, for programs at AWS.

Parquet files go out as they are, with prepare's own hashes; records are written anew from them, one file at a
time. Names tell the content, so sending again sends only what is missing.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app.accounts import audit
from app.core.errors import Conflict
from app.core.security import Actor
from app.core.services import Services
from app.core.storage.trees import StoredFile, Tree
from app.core.work import Work
from app.integrations.aws import objects
from app.integrations.aws import queries as ledger
from app.integrations.aws.clients import Aws, aws_of
from app.integrations.aws.resources import note_resource, resource_gone
from app.integrations.errands import queries as errand_queries
from app.integrations.errands import service as errands
from app.integrations.errands.doing import Call
from app.integrations.errands.tables import Errand
from app.runs import queries
from app.runs.tables import Run
from ml.features.tfrecord import write_tfrecord

SEND, REMOVE = "features-send", "features-remove"
KINDS = (SEND, REMOVE)
STEP, SNAPSHOT, FOLDER = "prepare", "snapshot.json", "features/"
REST = "rest"  # rows that were thinned out: text, and no tokens


class NoFeatures(Conflict):
    title = "The run has no features"


class NothingThere(Conflict):
    title = "Nothing of it is in AWS"


@dataclass(frozen=True)
class Place:
    """``key`` ends in a slash; below it stand ``parquet/`` and ``tfrecord/``, a folder a split."""

    region: str
    bucket: str
    key: str
    tree: str

    @property
    def location(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def order_sending(work: Work, services: Services, actor: Actor, run: Run) -> Errand:
    tree = features_of(work, run.id)
    if tree is None:
        raise NoFeatures(f"Run #{run.number} has prepared no features.", "Wait until its prepare has ended.")
    config = aws_of(services, work).config
    place = Place(config.region, config.bucket, f"{config.prefix}/features/{run.number}/", tree)
    errand = errands.order_alone(work, actor, SEND, run.id, {"place": asdict(place)}, KINDS)
    audit.record(work.session, actor.id, "run.features_sent_to_aws", run.id, asdict(place))
    return errand


def features_of(work: Work, run_id: str) -> str | None:
    """The tree that prepare left, where it has ended well."""
    steps = queries.steps_of(work.session, run_id)
    return next((step.artifact for step in steps if step.name == STEP), None)


def order_removal(work: Work, actor: Actor, run: Run) -> Errand:
    newest = errand_queries.newest(work.session, run.id, [SEND])
    if newest is None:
        raise NothingThere(f"Run #{run.number} sent nothing to AWS.", "Reload the page to see its state.")
    details = {"place": newest.details["place"]}
    errand = errands.order_alone(work, actor, REMOVE, run.id, details, KINDS)
    audit.record(work.session, actor.id, "run.features_removed_from_aws", run.id, details["place"])
    return errand


def standing_at(work: Work, run_id: str) -> Place | None:
    """Where they are whole: a sending ended well, and nobody took them away since."""
    last = errand_queries.last_done(work.session, run_id, KINDS)
    if last is None or last.kind != SEND:
        return None
    place = Place(**last.details["place"])
    noted = ledger.resource(work.session, "s3-prefix", place.location, place.region)
    return place if noted is not None and noted.deleted_at is None else None


def send(services: Services, call: Call) -> Mapping[str, Any]:
    """What a worker does for :func:`order_sending`."""
    place = Place(**call.details["place"])
    with services.works.writing() as work:
        aws = aws_of(services, work)
        note_resource(work, "s3-prefix", place.location, region=place.region, subject_id=call.subject_id)
    tree = services.storage.tree(place.tree)
    scratch = services.storage.scratch("features-to-aws-")
    try:
        files = _Sender(services, aws, place, tree, scratch).send_all(call)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    wanted = {file["key"] for file in files}
    objects.remove_below(aws, place.bucket, place.key, lambda key: key not in wanted)
    return {"location": place.location, "files": files, "rows": _rows(files)}


def _rows(files: list[dict[str, Any]]) -> dict[str, int]:
    """Of each split, as its records count them."""
    rows: dict[str, int] = {}
    for file in files:
        if file["format"] == "tfrecord":
            rows[file["split"]] = rows.get(file["split"], 0) + file["rows"]
    return rows


@dataclass(frozen=True)
class _Sender:
    services: Services
    aws: Aws
    place: Place
    tree: Tree
    scratch: Path

    def send_all(self, call: Call) -> list[dict[str, Any]]:
        snapshot = self.tree.find(SNAPSHOT)
        description = json.loads(self.services.storage.read_bytes(snapshot.sha256))
        source = self.services.storage.checked_path(snapshot.sha256)
        sent = [self._put(source, snapshot.sha256, "_snapshot.json", "snapshot")]
        features = [file for file in self.tree.files if file.path.startswith(FOLDER)]
        for number, file in enumerate(features):
            call.report(number, len(features), f"{number} of {len(features)} files")
            sent += self._send(file, description)
        call.report(len(features), len(features), "")
        return sent

    def _send(self, file: StoredFile, description: Mapping[str, Any]) -> list[dict[str, Any]]:
        """``features/train-00000.parquet`` goes below ``parquet/train/`` and ``tfrecord/train/``."""
        source = self.services.storage.checked_path(file.sha256)
        split, _, number = Path(file.path).stem.rpartition("-")
        name = f"{split}/part-{number}"
        sent = [self._put(source, file.sha256, f"parquet/{name}-{file.sha256}.parquet", "parquet", split)]
        if split != REST:
            records = self.scratch / "part.tfrecord"
            limit, pad_id = description["max_seq_length"], description.get("pad_id", 0)
            rows = write_tfrecord(source, records, limit, pad_id)
            with records.open("rb") as written:
                sha256 = hashlib.file_digest(written, "sha256").hexdigest()
            key = f"tfrecord/{name}-{sha256}.tfrecord"
            sent.append({**self._put(records, sha256, key, "tfrecord", split), "rows": rows})
        return sent

    def _put(self, source: Path, sha256: str, name: str, form: str, split: str = "") -> dict[str, Any]:
        sent = objects.send(self.aws, source, self.place.bucket, f"{self.place.key}{name}", sha256)
        return {**asdict(sent), "format": form, "split": split}


def remove(services: Services, call: Call) -> Mapping[str, Any]:
    """What a worker does for :func:`order_removal`."""
    place = Place(**call.details["place"])
    with services.works.reading() as work:
        aws = aws_of(services, work)
    removed = objects.remove_below(aws, place.bucket, place.key)
    with services.works.writing() as work:
        resource_gone(work, "s3-prefix", place.location)
    return {"location": place.location, "removed": removed}
