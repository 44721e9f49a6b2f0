"""Whether something stands in AWS, and what was asked for last, as a page shows it."""

from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from app.integrations.errands.tables import OPEN, Errand, ErrandState

Place = TypeVar("Place")


@dataclass(frozen=True)
class InAws(Generic[Place]):
    """``last`` is the sending or removal that was asked for last; ``REMOVE`` is the latter's kind."""

    REMOVE: ClassVar[str]

    set_up: bool
    place: Place | None
    last: Errand | None

    @property
    def moving(self) -> bool:
        return self.last is not None and self.last.state in OPEN

    @property
    def removing(self) -> bool:
        return self.last is not None and self.last.kind == self.REMOVE

    @property
    def failed(self) -> bool:
        return self.last is not None and self.last.state == ErrandState.FAILED

    @property
    def removable(self) -> bool:
        """Also what a sending that failed half way has left there."""
        return not self.moving and (self.place is not None or self.failed)
