"""Storage on S3, or on what speaks like it: for several machines.

Each blob is one object under its sha256. Programs read local files, so what is read goes through a cache by
sha256 on each machine. What is uploaded carries its SHA-256, and S3 refuses what arrived as something else.
"""

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.response import StreamingBody

from app.core.storage.base import Storage
from app.core.storage.cache import BlobCache
from app.core.storage.refusals import is_missing, plainly
from app.core.storage.trees import (
    Blob,
    StorageAway,
    StoredFile,
    Tree,
    damaged,
    hash_file,
    is_sha256,
    missing,
)
from app.core.storage.uploading import PART_BYTES, Place, upload
from ml.contract.faults import faultpoint

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef

CHUNK_BYTES = 1024 * 1024
DOWNLOADS = 3
NO_LINKS = (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP)
CONFIG = Config(
    connect_timeout=5,
    read_timeout=30,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=32,
    tcp_keepalive=True,
    # Our own SHA-256 goes along with every upload and is compared after every download. The additional
    # CRC32 that the client would send is refused by some servers that speak S3.
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)


class S3Storage(Storage):
    """``root`` is this machine's own directory, for the cache and the scratch."""

    def __init__(
        self,
        bucket: str,
        prefix: str,
        root: Path,
        cache_bytes: int,
        endpoint: str | None = None,
        part_bytes: int = PART_BYTES,
    ) -> None:
        super().__init__(root / "scratch")
        self._cache = BlobCache(root / "blobs", cache_bytes)
        self._bucket = bucket
        self._prefix = f"{prefix}/blobs/" if prefix else "blobs/"
        self._part_bytes = part_bytes
        with plainly(bucket):
            self._s3: S3Client = boto3.session.Session().client("s3", endpoint_url=endpoint, config=CONFIG)

    def check(self) -> None:
        """The empty file is put and read again: whoever may do this may do all that a step needs."""
        with plainly(self._bucket):
            # A list is refused with the reason; the answers about one object carry none.
            self._s3.list_objects_v2(Bucket=self._bucket, Prefix=self._prefix, MaxKeys=1)
        self.verify(self.put_bytes(b"").sha256)

    def put_file(self, source: Path, *, move: bool = False, sha256: str | None = None) -> StoredFile:
        """Sent even where it stands already: that may be damaged, and reading it takes as long as sending.

        Sending also makes the blob new, so that no collector takes it before it is named.
        """
        size = source.stat().st_size
        digest = sha256 or hash_file(source)
        with plainly(self._bucket):
            upload(Place(self._s3, self._bucket, self._key(digest)), source, digest, self._part_bytes)
        if move:
            self._cache.keep(source, digest)
        return StoredFile(source.name, digest, size)

    def has(self, sha256: str) -> bool:
        return self._head(sha256) is not None

    def intact(self, tree: Tree) -> bool:
        heads = ((self._head(file.sha256), file.size) for file in tree.files)
        return all(head is not None and head["ContentLength"] == size for head, size in heads)

    def local_path(self, sha256: str) -> Path:
        return self._cache.find(sha256) or self._fetch(sha256)

    def checked_path(self, sha256: str) -> Path:
        """A damaged copy is only a copy: it is fetched again."""
        path = self._cache.find(sha256)
        return path if path and hash_file(path) == sha256 else self._fetch(sha256)

    def verify(self, sha256: str) -> None:
        """Fetched, whatever the cache holds: the question is what S3 sends today, and the checksum that it
        noted tells what once arrived. What is read next is the copy that was just compared."""
        self._fetch(sha256)

    def blobs(self) -> Iterator[Blob]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
        with plainly(self._bucket):
            for page in pages:
                for entry in page.get("Contents", []):
                    name = entry["Key"].rpartition("/")[2]
                    if is_sha256(name):
                        yield Blob(name, entry["Size"], entry["LastModified"])

    def remove(self, sha256: str, *, unless_changed_since: datetime | None = None) -> bool:
        found = self._head(sha256)
        if found is None or (unless_changed_since and found["LastModified"] > unless_changed_since):
            return False
        with plainly(self._bucket):
            self._s3.delete_object(Bucket=self._bucket, Key=self._key(sha256))
        self._cache.drop(sha256)
        return True

    def _key(self, sha256: str) -> str:
        return f"{self._prefix}{sha256[:2]}/{sha256}"

    def _head(self, sha256: str) -> "HeadObjectOutputTypeDef | None":
        """What S3 says about the blob; None where there is none."""
        with plainly(self._bucket):
            try:
                return self._s3.head_object(Bucket=self._bucket, Key=self._key(sha256))
            except ClientError as error:
                if is_missing(error):
                    return None
                raise

    def _fetch(self, sha256: str) -> Path:
        """From the beginning again where the connection breaks: half a file is never anybody's."""
        left = DOWNLOADS
        while True:
            body = self._get(sha256)
            left -= 1
            try:
                return self._receive(body, sha256)
            except StorageAway:
                if not left:
                    raise

    def _get(self, sha256: str) -> StreamingBody:
        with plainly(self._bucket):
            try:
                return self._s3.get_object(Bucket=self._bucket, Key=self._key(sha256))["Body"]
            except ClientError as error:
                if is_missing(error):
                    raise missing(sha256) from None
                raise

    def _receive(self, body: StreamingBody, sha256: str) -> Path:
        with tempfile.TemporaryDirectory(dir=self._scratch) as directory, closing(body):
            path = Path(directory, "blob")
            digest = hashlib.sha256()
            faultpoint("storage.fetch")
            with plainly(self._bucket), path.open("wb") as file:
                for chunk in body.iter_chunks(CHUNK_BYTES):
                    digest.update(chunk)
                    file.write(chunk)
            if digest.hexdigest() != sha256:
                raise damaged(sha256, digest.hexdigest())
            return self._cache.keep(path, sha256)

    def _lay(self, path: Path, target: Path) -> None:
        """A second name keeps the content for the step, whatever the cache does meanwhile."""
        try:
            _link(path, target)
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            shutil.copyfile(path, target)


def _link(path: Path, target: Path) -> None:
    """Linux says "no such file" also where an equal copy replaces the one it was just about to link."""
    while True:
        try:
            faultpoint("storage.link")
            os.link(path, target)
        except FileNotFoundError:
            if not path.exists():
                raise
        else:
            return
