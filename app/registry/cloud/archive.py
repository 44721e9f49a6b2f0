"""A version's ``model.tar.gz`` in the bucket: made from the files that its evidence names, sent once."""

import hashlib
import json
import shutil
from functools import partial
from pathlib import Path

from app.core.services import Services
from app.core.storage import Tree
from app.integrations.aws.clients import Aws
from app.integrations.aws.errors import CloudMissing, calling
from app.integrations.aws.objects import send
from app.integrations.aws.resources import note_resource
from app.registry import evidence
from app.registry.queries import NamedVersion
from ml.pipeline.sagemaker.serving import ModelFile, ServingCode, serving_code, write_archive


def model_data(services: Services, aws: Aws, named: NamedVersion, tree: Tree) -> str:
    """The archive's address, which names its content: an endpoint reads it again whenever it grows, so what
    stands there never changes. ``tree`` is the version's model, read again by whoever asks."""
    code = serving_code()
    about = about_of(named)
    digest = hashlib.sha256(f"{json.dumps(about, sort_keys=True)}{code.sha256}".encode()).hexdigest()[:16]
    below = f"{aws.config.prefix}/models/{named.version.id}"
    key = f"{below}/{digest}/model.tar.gz"
    if not _stands(aws, key):
        with services.works.writing() as work:
            place = f"s3://{aws.config.bucket}/{below}/"
            note_resource(work, "s3-prefix", place, region=aws.config.region, subject_id=named.version.id)
        _send(services, aws, key, tree, code, about)
    return f"s3://{aws.config.bucket}/{key}"


def about_of(named: NamedVersion) -> dict[str, object]:
    """What the container says of itself with each answer, the first two as our own endpoints do."""
    version = named.version
    return {
        "name": named.model.name,
        "version": version.number,
        "id": version.id,
        "evidence_sha256": version.evidence_sha256,
    }


def _send(
    services: Services, aws: Aws, key: str, tree: Tree, code: ServingCode, about: dict[str, object]
) -> None:
    scratch = services.storage.scratch("model-")
    try:
        archive = Path(scratch, "model.tar.gz")
        files = [
            ModelFile(file.path, file.size, partial(services.storage.open, file.sha256))
            for file in tree.files
        ]
        with archive.open("wb") as target:
            write_archive(target, files, code, about)
        with archive.open("rb") as content:
            sha256 = hashlib.file_digest(content, "sha256").hexdigest()
        send(aws, archive, aws.config.bucket, key, sha256)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _stands(aws: Aws, key: str) -> bool:
    try:
        with calling("look for the model's archive"):
            aws.s3.head_object(Bucket=aws.config.bucket, Key=key)
    except CloudMissing:
        return False
    return True


def checked_tree(services: Services, named: NamedVersion) -> Tree:
    """Of a version that nobody has approved yet: each file read again. Raises EvidenceChanged."""
    evidence.check_document(named.version.evidence, named.version.evidence_sha256)
    tree = evidence.model_tree(named.version.evidence)
    for file in tree.files:
        evidence.check_file(services.storage, file)
    return tree
