"""Between S3 and a container's directories: inputs by prefix or manifest, outputs, checkpoints, archives."""

import json
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import BotoCoreError, ClientError

from simulator.core import State


class DataFault(Exception):
    """The customer's data is not where the request says: a ClientError in the job's reason."""


@dataclass(frozen=True)
class Object:
    bucket: str
    key: str
    path: str
    """Below the directory that it is brought to."""


@dataclass(frozen=True)
class Source:
    uri: str
    kind: str = "S3Prefix"
    distribution: str = "FullyReplicated"

    def part(self, objects: list[Object], host: int, hosts: int) -> list[Object]:
        """Whole objects are dealt out in the order of their keys, as the service does."""
        return objects[host::hosts] if self.distribution == "ShardedByS3Key" else objects


def split(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def find(state: State, source: Source) -> list[Object]:
    try:
        if source.kind == "S3Prefix":
            found = list(_below(state, source.uri))
        else:
            found = _of_manifest(state, source.uri)
    except (ClientError, BotoCoreError) as error:
        raise DataFault(f"Data download failed:{error}") from error
    if not found:
        raise DataFault(
            f'Data download failed:No S3 objects found under S3 URL "{source.uri}" given in input data '
            "source. Please ensure that the bucket exists in the selected region, that objects exist under "
            'that S3 prefix, and that the role has "s3:ListBucket" permissions on the bucket.'
        )
    return found


def _below(state: State, uri: str) -> Iterable[Object]:
    """A prefix need not end at a slash: ``…/part`` also brings ``…/part-1.csv`` and the file ``…/part``."""
    bucket, prefix = split(uri)
    for page in state.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            key = item["Key"]
            rest = key[len(prefix) :]
            if not prefix or prefix.endswith("/") or rest.startswith("/"):
                path = rest.lstrip("/")
            else:
                path = key[prefix.rfind("/") + 1 :]
            if path and not path.endswith("/"):
                yield Object(bucket, key, path)


def _of_manifest(state: State, uri: str) -> list[Object]:
    bucket, key = split(uri)
    words = json.loads(state.s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    where, prefix = split(words[0]["prefix"])
    return [Object(where, prefix + path, path) for path in words[1:]]


def download(state: State, objects: Iterable[Object], into: Path) -> None:
    into.mkdir(parents=True, exist_ok=True)
    for each in objects:
        target = into / each.path
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            state.s3.download_file(each.bucket, each.key, str(target))
        except (ClientError, BotoCoreError) as error:
            raise DataFault(f"Data download failed:{each.key}: {error}") from error


def upload(state: State, file: Path, uri: str) -> None:
    bucket, key = split(uri)
    try:
        state.s3.upload_file(str(file), bucket, key)
    except (ClientError, BotoCoreError, S3UploadFailedError, OSError) as error:
        raise DataFault(f"Failed to upload {file.name} to {uri}: {error}") from error


class Mirror:
    """A directory and an address that follows it; what is deleted here stays there."""

    def __init__(self, state: State, directory: Path, uri: str) -> None:
        self.directory = directory
        self._state = state
        self._uri = uri.rstrip("/")
        self._sent: dict[str, Any] = {}
        self._seen: dict[str, Any] = {}

    def restore(self) -> None:
        """What an earlier attempt has sent; it is not sent again."""
        try:
            objects = list(_below(self._state, f"{self._uri}/"))
        except (ClientError, BotoCoreError) as error:
            raise DataFault(f"Checkpoints can't be read: {error}") from error
        download(self._state, objects, self.directory)
        self._sent = {each.path: _look(self.directory / each.path) for each in objects}

    def follow(self, *, finished: bool) -> None:
        """Until the container has ended, only what has not changed since the last look: a file that is still
        being written is not sent in halves."""
        looks = {path: _look(path) for path in _files(self.directory)}
        for path, look in looks.items():
            name = path.relative_to(self.directory).as_posix()
            if look is None or self._sent.get(name) == look:
                continue
            if finished or self._seen.get(name) == look:
                upload(self._state, path, f"{self._uri}/{name}")
                self._sent[name] = look
            self._seen[name] = look


def _look(path: Path) -> Any:
    try:
        told = path.stat()
    except FileNotFoundError:  # a checkpoint that was taken away meanwhile
        return None
    return told.st_size, told.st_mtime_ns


def _files(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if path.is_file())


def send(state: State, directory: Path, uri: str) -> None:
    for path in _files(directory):
        upload(state, path, f"{uri.rstrip('/')}/{path.relative_to(directory).as_posix()}")


def pack(state: State, directories: Iterable[Path], archive: Path, uri: str) -> bool:
    """The contents of a job's directories, those of all its hosts together; nothing when there are none."""
    found = {
        path.relative_to(directory).as_posix(): path
        for directory in directories
        for path in _files(directory)
    }
    if not found:
        return False
    with tarfile.open(archive, "w:gz", compresslevel=1) as packed:
        for name, path in found.items():
            packed.add(path, name)
    upload(state, archive, uri)
    return True
