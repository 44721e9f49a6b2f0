"""Which of two registries follows the other, case by case."""

from datetime import UTC, datetime, timedelta

import pytest

from app.registry.cloud.reconcile import Act, Side, verdict
from app.registry.tables import ApprovalStatus

P, A, R = ApprovalStatus.PENDING, ApprovalStatus.APPROVED, ApprovalStatus.REJECTED
EARLIER = datetime(2026, 11, 22, 12, tzinfo=UTC)
LATER = EARLIER + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("ours", "theirs", "agreed", "act"),
    [
        (P, P, "", Act.NOTHING),
        (A, A, P, Act.NOTHING),
        (A, P, P, Act.PUSH),  # decided here
        (R, P, "", Act.PUSH),
        (R, A, A, Act.PUSH),  # taken back here
        (P, A, P, Act.PULL),  # decided there
        (P, R, "", Act.PULL),
        (A, R, A, Act.PULL),  # taken back there
        (R, A, R, Act.PUT_BACK),  # a version that was rejected stays so
        (A, P, A, Act.PUT_BACK),  # nothing becomes undecided again
        (R, P, R, Act.PUT_BACK),
    ],
)
def test_who_moved_is_followed(ours: ApprovalStatus, theirs: ApprovalStatus, agreed: str, act: Act) -> None:
    for here, there in ((EARLIER, LATER), (LATER, EARLIER)):
        found = verdict(Side(ours, here), Side(theirs, there), agreed)
        assert (found.act, found.conflict) == (act, False)


@pytest.mark.parametrize(
    ("ours", "theirs", "newer", "act"),
    [
        (A, R, "theirs", Act.PULL),
        (A, R, "ours", Act.PUT_BACK),
        (R, A, "ours", Act.PUT_BACK),
        (R, A, "theirs", Act.PUT_BACK),  # newer, and still against our rules
    ],
)
def test_of_two_that_contradict_each_other_the_newer_wins_as_far_as_our_rules_allow(
    ours: ApprovalStatus, theirs: ApprovalStatus, newer: str, act: Act
) -> None:
    here, there = (EARLIER, LATER) if newer == "theirs" else (LATER, EARLIER)
    found = verdict(Side(ours, here), Side(theirs, there), P)
    assert (found.act, found.conflict) == (act, True)


def test_a_void_version_is_approved_nowhere() -> None:
    void = "model.onnx has changed."
    assert verdict(Side(R, EARLIER), Side(A, LATER), P, void).act == Act.PUT_BACK
    assert void in verdict(Side(R, EARLIER), Side(A, LATER), P, void).reason
    assert verdict(Side(R, EARLIER), Side(A, LATER), A, void).act == Act.PUSH
