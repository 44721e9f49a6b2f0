"""Which of two registries has to follow the other: a pure decision, so that each case can be read and tested.

``agreed`` is the status that both had when they were last in step: who differs from it has moved since.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.registry.approval import MOVES
from app.registry.tables import ApprovalStatus


class Act(StrEnum):
    NOTHING = "nothing"
    PUSH = "push"  # AWS follows us
    PULL = "pull"  # we follow AWS
    PUT_BACK = "put back"  # AWS was changed to what our rules don't allow


@dataclass(frozen=True)
class Side:
    """``status`` of a version of ours that is void is Rejected: it is served nowhere."""

    status: ApprovalStatus
    at: datetime


@dataclass(frozen=True)
class Verdict:
    act: Act
    reason: str = ""
    conflict: bool = False


def verdict(ours: Side, theirs: Side, agreed: str, void_reason: str = "") -> Verdict:
    """Of two decisions that contradict each other the newer one wins, as far as our rules allow it."""
    before = ApprovalStatus(agreed) if agreed else ApprovalStatus.PENDING
    if ours.status == theirs.status:
        return Verdict(Act.NOTHING)
    if theirs.status == before:
        return Verdict(Act.PUSH)
    conflict = ours.status != before
    if void_reason:
        return Verdict(Act.PUT_BACK, f"The version is void. {void_reason}", conflict)
    if conflict and ours.at >= theirs.at:
        return Verdict(Act.PUT_BACK, "It was decided on in Fitting Room later.", conflict)
    if theirs.status not in MOVES[ours.status]:
        return Verdict(Act.PUT_BACK, _rule(ours.status), conflict)
    return Verdict(Act.PULL, conflict=conflict)


def _rule(ours: ApprovalStatus) -> str:
    if ours == ApprovalStatus.REJECTED:
        return "A version that was rejected stays so: register a new one."
    return f"A version that is {ours} was decided on, and the way back is a new version."
