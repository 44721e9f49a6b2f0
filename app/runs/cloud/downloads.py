"""What a job left comes back from S3, below a directory of the attempt's own."""

from collections.abc import Callable
from pathlib import Path

from app.integrations.aws.clients import Aws
from app.integrations.aws.errors import CloudRefused, calling
from app.runs.cloud.hosts import Unwanted
from ml.contract.faults import faultpoint
from ml.hosts.archives import safe_path

MOST_BYTES = 64 * 1024**3
MOST_FILES = 100_000


class TooMuch(CloudRefused):
    title = "The job left too much"


def download(aws: Aws, uri: str, into: Path, unwanted: Callable[[], bool]) -> None:
    """Every object below ``uri``. What stood there from a fetch that was broken off is written again."""
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    prefix = prefix.rstrip("/") + "/"
    with calling("fetch what the job left"):
        count = size = 0
        pages = aws.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for page in pages:
            for found in page.get("Contents", ()):
                count, size = count + 1, size + found["Size"]
                if count > MOST_FILES or size > MOST_BYTES:
                    raise TooMuch(
                        f"The job left more than {MOST_FILES:,} files or {MOST_BYTES // 1024**3} GiB.",
                        f"It lies below {uri}.",
                    )
                if unwanted():
                    raise Unwanted
                if not found["Key"].endswith("/"):
                    faultpoint("job.download")
                    target = into / safe_path(found["Key"].removeprefix(prefix))
                    target.parent.mkdir(parents=True, exist_ok=True)
                    aws.s3.download_file(bucket, found["Key"], str(target))
