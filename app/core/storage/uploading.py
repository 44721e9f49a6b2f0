"""Sends one file to S3 so that what arrives is what was meant, or nothing does.

Of an object sent in one piece S3 compares the SHA-256. Of one sent in parts it knows only a checksum of the
parts' checksums, so the whole is hashed here while they are read, before the object comes into being.
"""

import hashlib
import math
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from app.core.errors import Conflict
from ml.contract.faults import faultpoint

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

PART_BYTES = 32 * 1024 * 1024  # in memory, one for each upload at a time
PARTS_LIMIT = 10_000  # of S3


@dataclass(frozen=True)
class Place:
    """One object to be."""

    s3: "S3Client"
    bucket: str
    key: str


def upload(place: Place, source: Path, sha256: str, part_bytes: int) -> None:
    """``sha256`` is what the file is said to have. A file of other content is refused."""
    size = source.stat().st_size
    if size > part_bytes:
        _in_parts(place, source, sha256, max(part_bytes, math.ceil(size / PARTS_LIMIT)))
        return
    with source.open("rb") as file:
        faultpoint("storage.upload")
        place.s3.put_object(
            Bucket=place.bucket,
            Key=place.key,
            Body=file,
            ChecksumAlgorithm="SHA256",
            ChecksumSHA256=_encoded(bytes.fromhex(sha256)),
        )


def _in_parts(place: Place, source: Path, sha256: str, part_bytes: int) -> None:
    whole = hashlib.sha256()
    started = place.s3.create_multipart_upload(
        Bucket=place.bucket, Key=place.key, ChecksumAlgorithm="SHA256"
    )["UploadId"]
    try:
        parts = []
        for number, content in enumerate(_pieces(source, part_bytes), start=1):
            whole.update(content)
            parts.append(_part(place, started, number, content))
        if whole.hexdigest() != sha256:
            raise Conflict(f"{source.name} changed while it was being stored.", "Try again.")
        faultpoint("storage.upload.complete")
        place.s3.complete_multipart_upload(
            Bucket=place.bucket, Key=place.key, UploadId=started, MultipartUpload={"Parts": parts}
        )
    except BaseException:
        # What can't even be taken back stays as pieces, which a rule of the bucket removes after a week.
        with suppress(BotoCoreError, ClientError):
            place.s3.abort_multipart_upload(Bucket=place.bucket, Key=place.key, UploadId=started)
        raise


def _part(place: Place, upload_id: str, number: int, content: bytes) -> "CompletedPartTypeDef":
    checksum = _encoded(hashlib.sha256(content).digest())
    faultpoint("storage.upload.part")
    sent = place.s3.upload_part(
        Bucket=place.bucket,
        Key=place.key,
        UploadId=upload_id,
        PartNumber=number,
        Body=content,
        ChecksumAlgorithm="SHA256",
        ChecksumSHA256=checksum,
    )
    return {"ETag": sent["ETag"], "PartNumber": number, "ChecksumSHA256": checksum}


def _pieces(source: Path, size: int) -> Iterator[bytes]:
    with source.open("rb") as file:
        while content := file.read(size):
            yield content


def _encoded(digest: bytes) -> str:
    return b64encode(digest).decode()
