"""What the simulator received, and the faults that tests ask for."""

import fnmatch
import itertools
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Any

MESSAGES = {
    "ThrottlingException": "Rate exceeded",
    "ExpiredTokenException": "The security token included in the request is expired",
    "ExpiredToken": "The provided token has expired.",
    "AccessDeniedException": "User is not authorized to perform this operation",
    "ResourceLimitExceeded": "The account-level service limit for this instance type is 0 Instances. Please "
    "use AWS Service Quotas to request an increase for this quota.",
    "InternalFailure": "The request processing has failed because of an unknown error.",
    "ServiceUnavailable": "Service is unable to handle request.",
}
STATUSES = {"InternalFailure": 500, "InternalError": 500, "ServiceUnavailable": 503, "SlowDown": 503}
STATUSES["AccessDenied"] = 403
KEPT = 50_000  # calls; a product that is watched for days asks without end
DISCONNECT = "Disconnect"  # no answer at all: the connection is closed


@dataclass
class Fault:
    """``times`` counts down; less than nothing means until it is taken back. With ``after`` the operation
    takes place and only its answer is replaced, as when a network fails at the wrong moment."""

    operation: str
    code: str
    times: int = 1
    message: str = ""
    after: bool = False
    matching: str = ""

    @property
    def text(self) -> str:
        return self.message or MESSAGES.get(self.code, self.code)

    @property
    def status(self) -> int:
        return STATUSES.get(self.code, 400)

    def concerns(self, operation: str, body: str) -> bool:
        return self.times != 0 and fnmatch.fnmatch(operation, self.operation) and self.matching in body


class Faults:
    """``operation`` may hold stars: ``S3.*``, ``Create*``, ``*``."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def take(self, operation: str, body: str) -> Fault | None:
        with self._lock:
            for fault in self._faults:
                if fault.concerns(operation, body):
                    fault.times -= 1
                    return fault
        return None


@dataclass
class Call:
    """One request, in the order of arrival. ``operation`` is ``CreateTrainingJob`` for JSON services,
    ``S3.PUT`` for those that speak REST; ``code`` is the error's, empty for success."""

    number: int
    service: str
    operation: str
    path: str
    request: Any = None
    code: str = ""


@dataclass
class Calls:
    _calls: deque[Call] = field(default_factory=lambda: deque(maxlen=KEPT))
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, service: str, operation: str, path: str, request: Any) -> Call:
        with self._lock:
            call = Call(next(self._numbers), service, operation, path, request)
            self._calls.append(call)
            return call

    def after(self, number: int) -> list[Call]:
        with self._lock:
            return [call for call in self._calls if call.number > number]
