"""Files below a prefix of the bucket: sent once by their content, and taken away again."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.core.storage.uploading import PART_BYTES, Place, upload
from app.integrations.aws.clients import Aws
from app.integrations.aws.errors import CloudMissing, CloudRefused, calling
from ml.contract.faults import faultpoint

AT_ONCE = 1000  # deletions that S3 takes in one call


@dataclass(frozen=True)
class Sent:
    """``already`` where an object of that name and size stood there before."""

    key: str
    sha256: str
    size: int
    already: bool


def send(aws: Aws, source: Path, bucket: str, key: str, sha256: str) -> Sent:
    """``key`` tells the content, so what stands there is what would be sent."""
    size = source.stat().st_size
    already = stands(aws, bucket, key, size)
    if not already:
        faultpoint("cloud.upload")
        with calling(f"store {key}"):
            upload(Place(aws.s3, bucket, key), source, sha256, PART_BYTES)
    return Sent(key, sha256, size, already)


def stands(aws: Aws, bucket: str, key: str, size: int) -> bool:
    try:
        with calling(f"look at {key}"):
            return aws.s3.head_object(Bucket=bucket, Key=key)["ContentLength"] == size
    except CloudMissing:
        return False


def keys_below(aws: Aws, bucket: str, prefix: str) -> Iterator[str]:
    with calling(f"list {prefix}"):
        for page in aws.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            yield from (entry["Key"] for entry in page.get("Contents", []))


def remove_below(aws: Aws, bucket: str, prefix: str, wanted: Callable[[str], bool] = lambda _: True) -> int:
    """Deletes what ``wanted`` says; answers how many. What is gone already is no error."""
    gone = [key for key in keys_below(aws, bucket, prefix) if wanted(key)]
    for start in range(0, len(gone), AT_ONCE):
        _remove(aws, bucket, prefix, gone[start : start + AT_ONCE])
    return len(gone)


def _remove(aws: Aws, bucket: str, prefix: str, keys: Sequence[str]) -> None:
    """S3 answers with success also where it kept some; which ones and why stands in the answer."""
    with calling(f"delete objects below {prefix}"):
        faultpoint("cloud.delete_objects")
        answer = aws.s3.delete_objects(
            Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True}
        )
    for kept in answer.get("Errors", []):
        code, said = kept.get("Code", ""), kept.get("Message", "")
        raise CloudRefused(f"AWS refuses to delete {kept.get('Key', '')} ({code}): {said}", code=code)
