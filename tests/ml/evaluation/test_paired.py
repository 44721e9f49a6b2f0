"""The difference of two models on the same rows, against the bootstrap that draws rows one by one."""

import numpy as np
import pytest

from ml.evaluation.intervals import Answers, Bootstrap
from ml.evaluation.metrics import difference_of
from ml.evaluation.paired import paired_differences

CLASSES = 3


def answers(seed: int, truth: np.ndarray, right: float) -> np.ndarray:
    chance = np.random.default_rng(seed)
    guessed = chance.integers(0, CLASSES, len(truth))
    return np.where(chance.random(len(truth)) < right, truth, guessed)


def certain(truth: np.ndarray, predicted: np.ndarray) -> Answers:
    return Answers(truth, np.eye(CLASSES)[predicted])


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    return np.random.default_rng(1).choice(CLASSES, 900, p=[0.1, 0.2, 0.7]).astype(np.int64)


def test_it_agrees_with_the_bootstrap_that_draws_rows(truth: np.ndarray) -> None:
    first, other = answers(2, truth, 0.6), answers(3, truth, 0.75)
    drawn = difference_of(certain(truth, other), certain(truth, first), Bootstrap(len(truth), 5))
    found = paired_differences(truth, first, other, CLASSES)
    for name in ("accuracy", "macro_f1"):
        assert found[name].value == pytest.approx(drawn[name]["value"])
        assert found[name].low == pytest.approx(drawn[name]["low"], abs=0.006)
        assert found[name].high == pytest.approx(drawn[name]["high"], abs=0.006)
        assert found[name].n == 900


def test_a_class_has_a_difference_of_its_own(truth: np.ndarray) -> None:
    first = truth.copy()
    first[truth == 2] = 1
    found = paired_differences(truth, first, truth, CLASSES)
    assert found["0"].value == 0
    assert found["2"].value == 1
    assert 0 < found["1"].low < found["1"].value < found["1"].high < 1


def test_equal_answers_differ_by_nothing_and_swapped_ones_by_the_opposite(truth: np.ndarray) -> None:
    first, other = answers(2, truth, 0.6), answers(3, truth, 0.75)
    same = paired_differences(truth, first, first, CLASSES)["macro_f1"]
    assert (same.value, same.low, same.high) == (0, 0, 0)
    there = paired_differences(truth, first, other, CLASSES)["macro_f1"].value
    back = paired_differences(truth, other, first, CLASSES)["macro_f1"].value
    assert there == pytest.approx(-back)
