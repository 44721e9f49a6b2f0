"""The simulator of AWS for the tests: a process of its own on a free port of this machine."""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

ROOT = Path(__file__).parents[2]
START_SECONDS = 120
PATIENCE_SECONDS = 240
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "a-key-of-the-tests", "AWS_SECRET_ACCESS_KEY": "a-secret-of-the-tests"}
# Nothing of the machine's own settings, and no address in the cloud is asked when something is missing.
ALONE = {
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
REGION = "us-east-1"
ROLE = "arn:aws:iam::123456789012:role/fitting-room"
STATUSES = {"training": "TrainingJobStatus", "processing": "ProcessingJobStatus"}


@dataclass
class Simulator:
    """Each test takes a bucket of its own; faults are taken back after each test (conftest.py)."""

    endpoint: str
    process: subprocess.Popen[str]
    region: str = REGION
    role_arn: str = ROLE
    _numbers: Iterator[int] = field(default_factory=count)
    _clients: dict[str, Any] = field(default_factory=dict)

    @property
    def environ(self) -> dict[str, str]:
        """What a process needs in its environment to take this for AWS."""
        return {
            **CREDENTIALS,
            **ALONE,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "FITTINGROOM_AWS_ENDPOINT": self.endpoint,
        }

    def client(self, service: str, **words: Any) -> Any:
        """A boto3 client that asks once: a fault is seen and not tried again."""
        if service not in self._clients or words:
            session = boto3.session.Session(*CREDENTIALS.values(), region_name=self.region)
            config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, **words)
            self._clients[service] = session.client(  # type: ignore[call-overload]
                service, endpoint_url=self.endpoint, config=config
            )
        return self._clients[service]

    def new_bucket(self) -> str:
        bucket = f"cloud-{next(self._numbers)}"
        self.client("s3").create_bucket(Bucket=bucket)
        return bucket

    def put(self, uri: str, content: bytes | str) -> str:
        bucket, key = split(uri)
        body = content.encode() if isinstance(content, str) else content
        self.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
        return uri

    def read(self, uri: str) -> bytes:
        bucket, key = split(uri)
        return bytes(self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())

    def keys(self, uri: str) -> list[str]:
        """The names below an address, without it."""
        bucket, prefix = split(uri)
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return sorted(item["Key"][len(prefix) :] for page in pages for item in page.get("Contents", []))

    # --- what a test may do to it -----------------------------------------------------------------

    def fail(
        self,
        operation: str,
        code: str,
        *,
        times: int = 1,
        message: str = "",
        after: bool = False,
        matching: str = "",
    ) -> None:
        """The next requests fail so. ``after``: the operation takes place, only the answer is lost.
        ``code="Disconnect"`` answers nothing; ``operation="S3.*"`` is all of S3; ``times=-1`` is for ever;
        ``matching`` limits it to requests in which this text stands."""
        self.order(
            "faults",
            {
                "operation": operation,
                "code": code,
                "times": times,
                "message": message,
                "after": after,
                "matching": matching,
            },
        )

    def mend(self) -> None:
        self.order("faults", method="DELETE")

    def interrupt(self, job: str) -> bool:
        """The machine of a spot training job is taken away; the service starts it again."""
        return bool(self.order("interruptions", {"job": job})["interrupted"])

    def break_down(self, job: str, reason: str) -> bool:
        """A job's machine breaks: the job fails with this reason."""
        return bool(self.order("failures", {"job": job, "reason": reason})["broken"])

    @contextmanager
    def grace(self, seconds: float) -> Iterator[None]:
        """How long a stopped container has between SIGTERM and the kill."""
        self.order("settings", {"grace_seconds": seconds})
        yield
        self.order("settings", {"grace_seconds": 120})

    def calls(self, after: int = 0) -> list[dict[str, Any]]:
        """What was received, in order: number, service, operation, path, request, code."""
        return list(self.order(f"calls?after={after}", method="GET")["calls"])

    def mark(self) -> int:
        """The number of the last call so far."""
        return max((call["number"] for call in self.calls()), default=0)

    def order(self, path: str, words: Any = None, method: str = "POST") -> Any:
        body = None if method == "GET" else json.dumps(words or {}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.endpoint}/simulator/{path}", body, headers, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            return json.loads(answer.read())

    # --- waiting ----------------------------------------------------------------------------------

    def until(self, look: Callable[[], Any], reached: Callable[[Any], bool]) -> Any:
        """Look until it is so."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not reached(seen := look()):
            assert time.monotonic() < deadline, f"waited in vain; last seen: {seen}"
            assert self.process.poll() is None, "the simulator ended"
            time.sleep(0.05)
        return seen

    def job(self, kind: str, name: str) -> dict[str, Any]:
        """``kind`` is training or processing."""
        client = self.client("sagemaker")
        if kind == "training":
            return dict(client.describe_training_job(TrainingJobName=name))
        return dict(client.describe_processing_job(ProcessingJobName=name))

    def ended(self, kind: str, name: str) -> dict[str, Any]:
        """A job's description once it has ended."""
        ends = ("Completed", "Failed", "Stopped")
        return dict(self.until(lambda: self.job(kind, name), lambda job: job[STATUSES[kind]] in ends))

    def log_lines(self, kind: str, name: str) -> list[str]:
        """All that a job has written, stream after stream."""
        group = {"training": "/aws/sagemaker/TrainingJobs", "processing": "/aws/sagemaker/ProcessingJobs"}
        logs = self.client("logs")
        try:
            found = logs.describe_log_streams(logGroupName=group[kind], logStreamNamePrefix=f"{name}/")
        except logs.exceptions.ResourceNotFoundException:  # the first line of any job makes the group
            return []
        lines: list[str] = []
        for stream in found["logStreams"]:
            words = {"logGroupName": group[kind], "logStreamName": stream["logStreamName"]}
            events = logs.get_log_events(**words, startFromHead=True)["events"]
            lines += [event["message"] for event in events]
        return lines


def split(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


@contextmanager
def serving_simulator(*arguments: str) -> Iterator[Simulator]:
    command = [sys.executable, "-m", "simulator", "--port", "0", *arguments]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True)
        patience = threading.Timer(START_SECONDS, process.kill)
        patience.start()
        try:
            assert process.stdout
            line = process.stdout.readline()
            patience.cancel()
            log.seek(0)
            assert line.startswith("simulator ready on "), f"it did not start:\n{log.read()[-3000:]}"
            yield Simulator(line.split()[-1], process)
        finally:
            patience.cancel()
            process.terminate()
            try:
                process.wait(START_SECONDS)
            finally:
                process.kill()
                process.wait()
                if process.stdout:
                    process.stdout.close()
