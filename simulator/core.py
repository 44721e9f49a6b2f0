"""What every simulated operation uses: the registry, the state, errors in AWS's form, pages of a list.

A module of this package registers what it answers::

    @operation("DescribeTrainingJob")
    def describe(state: State, request: Request) -> Answer: ...

``request`` has passed the checks of botocore's service model, its timestamps are datetimes; the answer is
checked against the same model before it is sent. What nobody registers goes to moto.
"""

import importlib
import itertools
import pkgutil
import re
import tempfile
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import boto3
from botocore.config import Config

import simulator
from simulator.faults import Calls, Faults

Request = dict[str, Any]
Answer = dict[str, Any]
Handler = Callable[["State", Request], Answer]

ACCOUNT = "123456789012"  # moto's own, so that the names of both fit together
REGION = "us-east-1"
# Requests that the simulator makes for its containers carry this word: they are neither listed nor broken.
OWN_AGENT = "fittingroom-simulator"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "simulated", "AWS_SECRET_ACCESS_KEY": "simulated"}
GRACE_SECONDS = 120.0


class AwsError(Exception):
    """An error as AWS answers it."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


class PassOn(Exception):
    """A handler has found that the request concerns something that only moto knows."""


def invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)


def missing(message: str) -> AwsError:
    """SageMaker's describe operations answer so for what isn't there."""
    return AwsError("ValidationException", message)


def not_found(message: str) -> AwsError:
    return AwsError("ResourceNotFound", message)


def in_use(message: str) -> AwsError:
    return AwsError("ResourceInUse", message)


def not_simulated(what: str) -> AwsError:
    """Said plainly and never tried again, unlike a 500."""
    return AwsError("NotSimulated", f"The simulator does not know {what}.")


@dataclass
class State:
    """All that the simulator knows; it ends with the process. Hold ``lock`` to read and change records."""

    home: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="simulator-")))
    endpoint: str = ""
    region: str = REGION
    grace_seconds: float = GRACE_SECONDS
    invocation_seconds: float = 60.0
    lock: threading.RLock = field(default_factory=threading.RLock)
    faults: Faults = field(default_factory=Faults)
    calls: Calls = field(default_factory=Calls)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    at_exit: list[Callable[[], None]] = field(default_factory=list)
    watched: bool = False
    _tables: dict[str, dict[str, Any]] = field(default_factory=lambda: defaultdict(dict))
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def table(self, kind: str) -> dict[str, Any]:
        """The records of one kind by name, in the order in which they were made."""
        return self._tables[kind]

    def number(self) -> int:
        return next(self._numbers)

    def arn(self, kind: str, name: str, service: str = "sagemaker") -> str:
        return f"arn:aws:{service}:{self.region}:{ACCOUNT}:{kind}/{name}"

    def directory(self, name: str) -> Path:
        """A new directory below the simulator's home."""
        path = self.home / f"{self.number():04d}-{name}"
        path.mkdir(parents=True)
        return path

    @cached_property
    def s3(self) -> Any:
        return self._client("s3")

    @cached_property
    def logs(self) -> Any:
        return self._client("logs")

    @cached_property
    def glue(self) -> Any:
        return self._client("glue")

    @cached_property
    def athena(self) -> Any:
        return self._client("athena")

    def _client(self, service: str) -> Any:
        """The simulator speaks to itself by HTTP, as any container does."""
        session: Any = boto3.session.Session(
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            region_name=self.region,
        )
        words = Config(
            user_agent_extra=OWN_AGENT,
            max_pool_connections=32,
            retries={"mode": "standard", "total_max_attempts": 5},
            s3={"addressing_style": "path"},
        )
        return session.client(service, endpoint_url=self.endpoint, config=words)


# --- the registry -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Operation:
    service: str
    name: str
    handler: Handler


OPERATIONS: dict[tuple[str, str], Operation] = {}
Function = TypeVar("Function", bound=Handler)


def operation(name: str, service: str = "sagemaker") -> Callable[[Function], Function]:
    """Answers this operation of a JSON service (sagemaker, athena, glue, logs)."""

    def register(function: Function) -> Function:
        OPERATIONS[service, name] = Operation(service, name, function)
        return function

    return register


@dataclass
class RawRequest:
    """A request to a service that speaks REST."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass
class RawAnswer:
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Route:
    service: str
    name: str
    method: str
    pattern: re.Pattern[str]
    handler: Callable[..., RawAnswer]


ROUTES: list[Route] = []
RawFunction = TypeVar("RawFunction", bound=Callable[..., RawAnswer])


def route(
    name: str, method: str, pattern: str, service: str = "sagemaker-runtime"
) -> Callable[[RawFunction], RawFunction]:
    """Answers a path: ``handler(state, raw_request, **groups of the pattern) -> RawAnswer``."""

    def register(function: RawFunction) -> RawFunction:
        ROUTES.append(Route(service, name, method, re.compile(pattern), function))
        return function

    return register


def load_operations() -> None:
    """Import every module of the package, so that what it answers is known."""
    for module in pkgutil.walk_packages(simulator.__path__, "simulator."):
        if module.name != "simulator.__main__":
            importlib.import_module(module.name)


# --- what many handlers need ------------------------------------------------------------------------


def now() -> datetime:
    return datetime.now(UTC)


def listed(
    items: Iterable[tuple[str, Answer]],
    request: Request,
    key: str,
    *,
    status: str = "",
    created: str = "CreationTime",
    changed: str = "LastModifiedTime",
    by_default: str = "Descending",
) -> Answer:
    """One page of summaries with SageMaker's usual filters: ``items`` are (name, summary) pairs."""
    found = [
        (name, summary)
        for name, summary in items
        if request.get("NameContains", "") in name
        and request.get("StatusEquals", summary.get(status)) == summary.get(status)
        and _between(summary.get(created), request, "CreationTime")
        and _between(summary.get(changed), request, "LastModifiedTime")
    ]
    sort = request.get("SortBy", "CreationTime")
    if sort == "Name":
        found.sort(key=lambda pair: pair[0])
    elif sort == "Status":
        found.sort(key=lambda pair: str(pair[1].get(status)))
    else:
        found.sort(key=lambda pair: pair[1][created])
    if request.get("SortOrder", by_default) == "Descending":
        found.reverse()
    return paged([summary for _, summary in found], request, key)


def _between(moment: datetime | None, request: Request, name: str) -> bool:
    after, before = request.get(f"{name}After"), request.get(f"{name}Before")
    if moment is None or (after is None and before is None):
        return True
    return (after is None or moment > after) and (before is None or moment < before)


def paged(items: list[Answer], request: Request, key: str, size: int = 10) -> Answer:
    """The token is the place where the next page begins."""
    token = request.get("NextToken", "0")
    if not token.isdigit():
        raise invalid("Invalid NextToken")
    start, wanted = int(token), int(request.get("MaxResults", size))
    answer: Answer = {key: items[start : start + wanted]}
    if start + wanted < len(items):
        answer["NextToken"] = str(start + wanted)
    return answer


def remember_tags(state: State, arn: str, request: Request) -> None:
    state.tags[arn] = {tag["Key"]: tag["Value"] for tag in request.get("Tags", [])}
