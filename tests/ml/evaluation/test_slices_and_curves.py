"""Slices and curves against scikit-learn's figures and cases small enough to count by hand."""

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from ml.evaluation.curves import GRID, coverage_of, curves_of
from ml.evaluation.intervals import Answers
from ml.evaluation.report import paired_of
from ml.evaluation.slices import slices_of

LABELS = ("a", "b", "c")


def guesses(rows: int, seed: int) -> Answers:
    generator = np.random.default_rng(seed)
    truth = generator.choice(3, rows, p=[0.2, 0.3, 0.5])
    scores = generator.random((rows, 3)).round(2)  # rounded: equal scores must fall on the same side
    scores[np.arange(rows), truth] += 0.3
    return Answers(truth, scores / scores.sum(1, keepdims=True))


def always(truth: list[int], answer: list[int]) -> Answers:
    return Answers(np.array(truth), np.eye(3)[answer])


def test_areas_under_the_curves_are_those_of_scikit_learn() -> None:
    one = guesses(700, 1)
    found = curves_of(one, LABELS)["classes"]
    for index, label in enumerate(LABELS):
        positive, score = one.truth == index, one.probabilities[:, index]
        assert found[label]["n"] == positive.sum()
        assert found[label]["auc"] == pytest.approx(roc_auc_score(positive, score))
        assert found[label]["average_precision"] == pytest.approx(average_precision_score(positive, score))
        assert len(found[label]["precision"]) == len(found[label]["sensitivity"]) == len(GRID)
        assert found[label]["precision"] == sorted(found[label]["precision"], reverse=True)
        assert found[label]["sensitivity"][-1] == 1


def test_a_perfect_model_has_precision_one_everywhere() -> None:
    found = curves_of(always([0, 1, 2, 2], [0, 1, 2, 2]), LABELS)["classes"]["c"]
    assert (found["auc"], found["average_precision"], set(found["precision"])) == (1, 1, {1.0})


def test_a_class_without_rows_has_curves_that_say_nothing() -> None:
    found = curves_of(always([1, 2], [1, 2]), LABELS)["classes"]["a"]
    assert (found["n"], found["average_precision"]) == (0, 0)


def test_a_higher_threshold_answers_less_and_is_right_more_often() -> None:
    one = guesses(2000, 2)
    rows = coverage_of(one)
    assert rows[0]["threshold"] == 0.35
    answered = [row["answered"] for row in rows]
    assert answered == sorted(answered, reverse=True)
    for row in rows:
        kept = one.confidence >= row["threshold"]
        assert row["accuracy"]["n"] == kept.sum() == round(row["answered"] * 2000)
        assert row["accuracy"]["value"] == (one.predicted == one.truth)[kept].mean()


def test_slices_by_category_and_length_say_n_accuracy_and_the_paired_difference() -> None:
    rows = pa.table(
        {
            "category": ["Tops", "Tops", "Tops", "Dresses", None],
            "text": ["short", "short", "w " * 40, "w " * 90, "short"],
        }
    )
    ours = always([0, 1, 2, 2, 1], [0, 1, 0, 2, 1])
    theirs = always([0, 1, 2, 2, 1], [1, 1, 2, 2, 0])
    found = {(one["dimension"], one["slice"]): one for one in slices_of(rows, ours, theirs)}
    assert [name for _, name in found][:3] == ["Tops", "Dresses", "under 30 words"]
    tops = found["category", "Tops"]
    assert (tops["n"], tops["accuracy"]["value"], tops["baseline"]["value"]) == (3, 2 / 3, 2 / 3)
    short = found["length", "under 30 words"]
    assert short["difference"]["value"] == pytest.approx(2 / 3)
    assert short["difference"]["low"] < short["difference"]["value"] < short["difference"]["high"] + 1


def test_one_category_alone_is_no_slice() -> None:
    rows = pa.table({"category": pa.array([None, "Tops"], pa.string()), "text": ["a", "b"]})
    ours = always([0, 1], [0, 1])
    assert {one["dimension"] for one in slices_of(rows, ours, ours)} == {"length"}


def test_what_only_one_of_two_models_gets_right_is_counted() -> None:
    ours, theirs = always([0, 1, 2, 2], [0, 1, 2, 0]), always([0, 1, 2, 2], [1, 1, 0, 2])
    assert paired_of(ours, theirs) == {"gained": 2, "lost": 1, "both": 1, "n": 4, "chance": 1.0}
