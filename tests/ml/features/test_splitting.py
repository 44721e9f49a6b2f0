import numpy as np
import pytest

from ml.contract.outcome import StepRefused
from ml.features.splitting import (
    TEST,
    TRAIN,
    UNUSED,
    VALIDATION,
    Shares,
    check_every_class_everywhere,
    hash_sides,
    labs_sides,
    normalised,
    text_hash,
)

SHARES = Shares(0.9, 0.05, 0.05)


def sides_of(texts: list[str], seed: int = 42) -> list[int]:
    hashes = np.array([text_hash(normalised(text), seed, "split") for text in texts], np.uint64)
    return hash_sides(hashes, SHARES).tolist()


TEXTS = [f"Review number {number} of a dress." for number in range(4000)]


def test_a_row_keeps_its_side_when_the_data_set_grows() -> None:
    assert sides_of(TEXTS[:1000]) == sides_of(TEXTS)[:1000]


def test_one_text_never_stands_on_two_sides() -> None:
    variants = [
        "  REVIEW number 7 OF a dress. ",
        "review\tnumber 7\r\nof a dress.",
        "Review number ７ of a dress.",
    ]
    assert set(sides_of(variants)) == {sides_of(TEXTS[7:8])[0]}


def test_the_shares_hold_and_another_seed_splits_otherwise() -> None:
    counts = np.bincount(sides_of(TEXTS), minlength=3) / len(TEXTS)
    assert counts == pytest.approx([0.9, 0.05, 0.05], abs=0.015)
    assert sides_of(TEXTS) != sides_of(TEXTS, seed=43)


@pytest.mark.parametrize("shares", [(0.9, 0.05, 0.1), (1.0, 0.0, 0.0), (0.5, 0.6, -0.1)])
def test_shares_that_make_no_split_are_refused(shares: tuple[float, float, float]) -> None:
    with pytest.raises(StepRefused, match="add up to 1") as refusal:
        Shares(*shares)
    assert "0.9" in refusal.value.advice


def test_the_labs_split_drops_balances_and_stratifies_with_their_sizes() -> None:
    labels = np.repeat([0, 1, 2], [2100, 2500, 15200]).astype(np.int32)
    complete = np.ones(len(labels), bool)
    complete[:49] = False  # 2,051 complete rows in the smallest class, as in the real data
    sides = labs_sides(labels, complete, SHARES, 42)
    assert [int((sides == side).sum()) for side in (TRAIN, VALIDATION, TEST)] == [5537, 307, 309]
    assert (sides[:49] == UNUSED).all()
    for side, each in ((TRAIN, 1846), (VALIDATION, 102), (TEST, 103)):
        counts = np.bincount(labels[sides == side])
        assert np.abs(counts - each).max() <= 1
    assert (sides == labs_sides(labels, complete, SHARES, 42)).all()
    assert (sides != labs_sides(labels, complete, SHARES, 43)).any()


def test_too_few_rows_for_the_split_are_refused_with_the_class_named() -> None:
    sides = np.array([TRAIN, TRAIN, VALIDATION, TEST, TEST], np.int8)
    labels = np.array([0, 1, 0, 0, 1], np.int32)
    with pytest.raises(StepRefused, match="validation part has no row of the class bad"):
        check_every_class_everywhere(sides, labels, ("good", "bad"))
