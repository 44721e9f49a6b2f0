"""An S3 server for the tests: moto's, as a process of its own on a free port of this machine."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import boto3

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

START_SECONDS = 60
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "a-key-of-the-tests", "AWS_SECRET_ACCESS_KEY": "a-secret-of-the-tests"}
# What a machine in the cloud has besides, and what would be asked for when there are no credentials.
PAGE = 5  # so few that a list has several pages
ALONE = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull, "AWS_REGION": "us-east-1"}


@dataclass
class S3Server:
    """Each test takes a bucket of its own."""

    endpoint: str
    process: subprocess.Popen[bytes]
    _numbers: Iterator[int] = field(default_factory=count)

    def create(self) -> str:
        """The address of a place in a new bucket, as FITTINGROOM_STORAGE wants it."""
        bucket = f"fitting-room-{next(self._numbers)}"
        self.client().create_bucket(Bucket=bucket)
        return f"s3://{bucket}/main"

    def client(self) -> "S3Client":
        return boto3.session.Session(*CREDENTIALS.values(), region_name="us-east-1").client(
            "s3", endpoint_url=self.endpoint
        )

    def replace(self, place: str, sha256: str, content: bytes) -> None:
        """Give the object another content behind the storage's back."""
        self.client().put_object(**_object(place, sha256), Body=content)

    def content(self, place: str, sha256: str) -> bytes:
        return self.client().get_object(**_object(place, sha256))["Body"].read()

    def order(self, path: str, body: str = "") -> None:
        """Something that only moto knows."""
        request = urllib.request.Request(
            f"{self.endpoint}{path}", body.encode(), {"Content-Type": "text/plain"}, method="POST"
        )
        with urllib.request.urlopen(request, timeout=30):
            pass


def _object(place: str, sha256: str) -> dict[str, str]:
    address = urlsplit(place)
    return {"Bucket": address.netloc, "Key": f"{address.path.strip('/')}/blobs/{sha256[:2]}/{sha256}"}


@contextmanager
def serving_s3() -> Iterator[S3Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    environment = {**os.environ, **ALONE, "MOTO_S3_DEFAULT_MAX_KEYS": str(PAGE)}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)
        try:
            _wait(f"http://127.0.0.1:{port}", process, Path(f"/proc/self/fd/{log.fileno()}"))
            yield S3Server(f"http://127.0.0.1:{port}", process)
        finally:
            process.kill()
            process.wait()


def _wait(endpoint: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{endpoint}/moto-api/data.json", timeout=START_SECONDS):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise AssertionError(f"the S3 server did not start:\n{log.read_text(errors='replace')[-2000:]}")
