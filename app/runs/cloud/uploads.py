"""What a job reads lies in S3 before it is created, under the hash of its content: nothing is sent twice."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from app.core.storage import Storage, Tree
from app.core.storage.refusals import code_of
from app.integrations.aws.clients import Aws
from app.integrations.aws.errors import calling
from app.runs.cloud.hosts import Unwanted
from ml.contract.faults import faultpoint
from ml.pipeline.sagemaker.bundle import Bundle, build_bundle

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NOT_THERE = ("404", "NoSuchKey", "NotFound")
COMPLETE = ".complete"


def upload_code(aws: Aws, program: str) -> str:
    """The address of the program's bundle."""
    bundle = build_bundle(program)
    prefix = f"{aws.config.prefix}/code/{bundle.sha256}"
    with calling("upload the program"):
        for name, content in _whole_last(bundle):
            if not _is_there(aws.s3, aws.config.bucket, f"{prefix}/{name}", len(content)):
                faultpoint("job.upload_code")
                aws.s3.put_object(Bucket=aws.config.bucket, Key=f"{prefix}/{name}", Body=content)
    return f"s3://{aws.config.bucket}/{prefix}"


def _whole_last(bundle: Bundle) -> list[tuple[str, bytes]]:
    return sorted(bundle.files.items())


def upload_tree(aws: Aws, storage: Storage, tree: Tree, unwanted: Callable[[], bool]) -> str:
    """The address of a tree. Its mark is written last: who finds it finds every file."""
    bucket, prefix = aws.config.bucket, f"{aws.config.prefix}/inputs/{tree.sha256}"
    with calling("upload the step's input"):
        if _is_there(aws.s3, bucket, prefix + COMPLETE):
            return f"s3://{bucket}/{prefix}"
        for file in tree.files:
            if unwanted():
                raise Unwanted
            key = f"{prefix}/{file.path}"
            if not _is_there(aws.s3, bucket, key, file.size):
                faultpoint("job.upload_input")
                with storage.checked_path(file.sha256).open("rb") as content:
                    aws.s3.upload_fileobj(content, bucket, key)
        faultpoint("job.upload_complete")
        aws.s3.put_object(Bucket=bucket, Key=prefix + COMPLETE, Body=b"")
    return f"s3://{bucket}/{prefix}"


def _is_there(s3: "S3Client", bucket: str, key: str, size: int | None = None) -> bool:
    try:
        found = s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if code_of(error) in NOT_THERE:
            return False
        raise
    return size is None or found["ContentLength"] == size
