"""Who sent a request: SageMaker notes it beside whatever was made or changed."""

import re
from contextvars import ContextVar
from dataclasses import dataclass

from moto.sts.models import sts_backends

from simulator.core import ACCOUNT, REGION

KEY = re.compile(r"Credential=([^/,]+)/")
_authorization: ContextVar[str] = ContextVar("authorization", default="")


@dataclass(frozen=True)
class Caller:
    arn: str
    principal: str


def arrived(authorization: str) -> None:
    """Each request is answered in one thread, from here to its end."""
    _authorization.set(authorization)


def caller() -> Caller:
    """As GetCallerIdentity answers: moto knows the keys of its users and of assumed roles."""
    match = KEY.search(_authorization.get())
    backend = sts_backends[ACCOUNT]["aws"]
    principal, arn, _ = backend.get_caller_identity(match[1] if match else "", REGION)
    return Caller(arn, principal)
