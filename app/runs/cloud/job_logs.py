"""A job's log in CloudWatch, page by page: one stream an instance, each with a place of its own."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.integrations.aws.clients import Aws
from app.integrations.aws.errors import CloudMissing, calling
from app.runs.cloud.hosts import LogPage

FIRST = "algo-1-"  # what follows is a time: a job that was interrupted has more than one
GROUPS = {"training": "/aws/sagemaker/TrainingJobs", "processing": "/aws/sagemaker/ProcessingJobs"}


def page_of(aws: Aws, kind: str, name: str, positions: Mapping[str, Any]) -> LogPage:
    """One page of each stream. A log that is not there yet has no lines."""
    group, lines, after, more = GROUPS[kind], [], dict(positions), False
    for stream in _streams(aws, group, name):
        fresh, token = _events(aws, group, stream, positions.get(stream))
        lines += [_told(stream, line) for line in fresh]
        more = more or bool(fresh)
        after[stream] = token
    return LogPage(lines, after, more)


def _streams(aws: Aws, group: str, name: str) -> list[str]:
    try:
        with calling("list the job's logs"):
            pages = aws.logs.get_paginator("describe_log_streams").paginate(
                logGroupName=group, logStreamNamePrefix=f"{name}/"
            )
            return sorted(stream["logStreamName"] for page in pages for stream in page["logStreams"])
    except CloudMissing:
        return []


def _events(aws: Aws, group: str, stream: str, token: str | None) -> tuple[Sequence[str], str | None]:
    after: Any = {"nextToken": token} if token else {}
    with calling("read the job's log"):
        said = aws.logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True, **after)
    return [event["message"] for event in said["events"]], said.get("nextForwardToken", token)


def _told(stream: str, line: str) -> str:
    """Figures and progress are the first instance's; lines of the others say whose they are."""
    instance = stream.rpartition("/")[2]
    return line if instance.startswith(FIRST) else f"[{instance}] {line}"
