import numpy as np
import pytest

from ml.contract.outcome import StepRefused
from ml.features.selection import allotted, balanced, sampled
from ml.features.splitting import TEST, TRAIN, UNUSED

LABELS = np.repeat([0, 1, 2], [20, 40, 140]).astype(np.int32)
SIDES = np.where(np.arange(200) % 10 == 0, TEST, TRAIN).astype(np.int8)
RANKS = np.random.default_rng(1).integers(0, 2**63, 200).astype(np.uint64)


def trained(sides: np.ndarray) -> list[int]:
    return np.bincount(LABELS[sides == TRAIN], minlength=3).tolist()


def test_balancing_thins_out_the_training_part_only() -> None:
    chosen = balanced(SIDES, LABELS, RANKS, 3)
    assert trained(chosen) == [18, 18, 18]
    assert ((chosen == TEST) == (SIDES == TEST)).all()
    assert set(chosen[chosen != SIDES].tolist()) == {UNUSED}


def test_the_same_rows_are_kept_in_any_order() -> None:
    order = np.random.default_rng(2).permutation(200)
    chosen = balanced(SIDES, LABELS, RANKS, 3)
    shuffled = balanced(SIDES[order], LABELS[order], RANKS[order], 3)
    assert (shuffled == chosen[order]).all()


def test_a_proportional_sample_keeps_the_shares() -> None:
    assert trained(sampled(SIDES, LABELS, RANKS, 3, 90, 1.0)) == [9, 18, 63]


def test_a_square_root_sample_takes_more_of_the_rare_classes() -> None:
    assert trained(sampled(SIDES, LABELS, RANKS, 3, 90, 0.5)) == [17, 25, 48]


@pytest.mark.parametrize("power", [0.5, 1.0])
@pytest.mark.parametrize("rows", [3, 7, 100, 180, 5000])
def test_a_sample_has_the_wanted_size_and_never_more_than_a_class_has(rows: int, power: float) -> None:
    counts = np.array([1, 39, 140])
    wanted = np.array(allotted(counts, rows, power))
    assert wanted.sum() == min(rows, 180)
    assert (wanted >= 1).all()
    assert (wanted <= counts).all()


def test_a_sample_smaller_than_the_classes_is_refused() -> None:
    with pytest.raises(StepRefused, match="fewer than the 3 classes"):
        sampled(SIDES, LABELS, RANKS, 3, 2, 1.0)
