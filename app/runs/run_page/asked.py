"""What the address of a run's page chooses, and the addresses of its tabs, lines and files."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Query

from app.core.addresses import address

TABS = ("metrics", "logs", "artifacts", "config", "attempts")
_Number = Annotated[int | None, Query(ge=1, le=1_000_000_000)]


@dataclass(frozen=True)
class Asked:
    """A step, one of its attempts, a tab; in its log the first line or a text to find; one of its files."""

    step: str | None = None
    attempt: _Number = None
    tab: str | None = None
    line: _Number = None
    find: Annotated[str, Query(max_length=200)] = ""
    file: Annotated[str, Query(max_length=500)] = ""


@dataclass(frozen=True)
class Place:
    """The step, attempt and tab that are shown, spelled out, so that an address of them stays true."""

    step: str
    attempt: int | None
    tab: str

    def url(self, **more: str | int) -> str:
        """``?step=train&attempt=2&tab=logs``; what is not named here starts anew."""
        parts = {"step": self.step, "attempt": self.attempt, "tab": self.tab, **more}
        return address("", parts)
