"""What does an errand, as its feature gives it; ``handlers.py`` connects each kind with one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.core.services import Services


class Stopped(Exception):
    """Somebody cancelled the errand, or it is another worker's by now: leave off, nothing is to be told."""


@dataclass(frozen=True)
class Call:
    """``report(done, total, message)`` shows how far it is; ``pause(seconds)`` waits.

    Both raise :class:`Stopped` where nobody wants the errand done any more.
    """

    errand_id: str
    subject_id: str
    actor_id: str
    details: Mapping[str, Any]
    report: Callable[[int, int, str], None]
    pause: Callable[[float], None]


# Answers with the result. Unavailable: tried again after a pause. Any other refusal ends the errand.
# It is done at least once: what stands already is found and left as it is.
Doer = Callable[[Services, Call], Mapping[str, Any]]
