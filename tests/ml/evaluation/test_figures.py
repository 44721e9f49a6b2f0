import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

from ml.evaluation.counts import confusion_of, per_class_of
from ml.evaluation.intervals import Answers, Bootstrap, calibration_error, wilson
from ml.evaluation.metrics import difference_of, metrics_of, reliability_of
from ml.evaluation.report import chance_of, verdict_of

LABELS = ("-1", "0", "1")


def answers(rows: int, right: float, seed: int, truth: np.ndarray | None = None) -> Answers:
    """A model that is right with probability ``right``, and exactly as confident as it is right."""
    generator = np.random.default_rng(seed)
    truth = generator.choice(3, rows, p=[0.1, 0.2, 0.7]) if truth is None else truth
    wrong = (truth + generator.integers(1, 3, rows)) % 3
    predicted = np.where(generator.random(rows) < right, truth, wrong)
    probabilities = np.full((rows, 3), (1 - right) / 2)
    probabilities[np.arange(rows), predicted] = right
    return Answers(truth, probabilities)


def test_figures_by_class_are_those_of_scikit_learn() -> None:
    one = answers(500, 0.7, 1)
    ours = per_class_of(confusion_of(one.truth, one.predicted, 3))
    theirs = precision_recall_fscore_support(one.truth, one.predicted)
    for own, other in zip(ours, theirs[:3], strict=True):
        assert own == pytest.approx(other)


def test_truth_stands_in_the_rows() -> None:
    assert confusion_of(np.array([0, 0, 1]), np.array([1, 1, 1]), 2).tolist() == [[0, 2], [0, 1]]


def test_wilsons_interval_has_its_published_values() -> None:
    figure = wilson(81, 263)  # Newcombe 1998, method 3
    assert (figure.low, figure.high) == (pytest.approx(0.2553, abs=1e-4), pytest.approx(0.3662, abs=1e-4))
    assert (wilson(10, 10).high, wilson(0, 10).low) == (pytest.approx(1.0), pytest.approx(0.0))


def test_the_bootstrap_is_as_wide_as_the_formula_and_the_same_each_time() -> None:
    one = answers(1000, 0.8, 2)
    draws = Bootstrap(1000, 42).accuracy(one)
    low, high = np.quantile(draws, [0.025, 0.975])
    known = wilson(int((one.truth == one.predicted).sum()), 1000)
    assert (low, high) == (pytest.approx(known.low, abs=0.006), pytest.approx(known.high, abs=0.006))
    assert (draws == Bootstrap(1000, 42).accuracy(one)).all()


def test_intervals_hold_the_true_value_about_as_often_as_they_say() -> None:
    """macro-F1 of a model that is right in 8 of 10: its true value is that of very many rows."""
    many = answers(400_000, 0.8, 3)
    true = per_class_of(confusion_of(many.truth, many.predicted, 3))[2].mean()
    held = 0
    for seed in range(40):
        figure = metrics_of(answers(300, 0.8, seed), LABELS, Bootstrap(300, seed))["macro_f1"]
        held += figure["low"] <= true <= figure["high"]
    assert held >= 34


def test_a_calibrated_model_has_no_calibration_error_and_a_boaster_has() -> None:
    honest = answers(20_000, 0.8, 4)
    assert calibration_error(honest) < 0.01
    boasting = Answers(honest.truth, np.where(honest.probabilities > 0.5, 0.98, 0.01))
    assert calibration_error(boasting) == pytest.approx(0.18, abs=0.01)
    (only,) = reliability_of(honest)
    assert (only["low"], only["n"]) == (pytest.approx(11 / 15), 20_000)


def test_the_paired_difference_is_narrower_than_two_intervals_side_by_side() -> None:
    truth = np.random.default_rng(0).choice(3, 1000, p=[0.1, 0.2, 0.7])
    one = answers(1000, 0.7, 5, truth)
    better = Answers(truth, one.probabilities.copy())
    mended = np.flatnonzero(one.predicted != truth)[:60]
    better.probabilities[mended] = 0.1
    better.probabilities[mended, truth[mended]] = 0.8
    bootstrap = Bootstrap(1000, 42)
    difference = difference_of(better, one, bootstrap)["accuracy"]
    alone = metrics_of(one, LABELS, bootstrap)["accuracy"]
    assert difference["value"] == pytest.approx(0.06)
    assert 0 < difference["low"] < 0.06 < difference["high"]
    assert difference["high"] - difference["low"] < 0.7 * (alone["high"] - alone["low"])


def test_a_class_that_nobody_predicts_counts_as_zero() -> None:
    one = Answers(np.array([0, 1, 2, 2]), np.tile([0.1, 0.1, 0.8], (4, 1)))
    metrics = metrics_of(one, LABELS, Bootstrap(4, 1))
    assert metrics["per_class"]["0"]["f1"]["value"] == 0
    assert metrics["per_class"]["0"]["support"] == 1


@pytest.mark.parametrize(
    ("value", "low", "high", "says"),
    [
        (0.05, 0.01, 0.09, "Better than"),
        (-0.05, -0.09, -0.01, "Worse than"),
        (0.01, -0.02, 0.04, "may be chance"),
        (-0.01, -0.04, 0.02, "may be chance"),
    ],
)
def test_the_verdict_says_what_the_interval_allows(value: float, low: float, high: float, says: str) -> None:
    assert says in verdict_of({"value": value, "low": low, "high": high, "n": 1133})


def test_the_verdict_has_true_minus_signs_and_no_break_within_a_figure() -> None:
    said = verdict_of({"value": -0.01, "low": -0.04, "high": 0.02, "n": 1133})
    assert "macro-F1 −0.010, 95\u00a0%\u00a0interval −0.040 to +0.020, n\u00a0=\u00a01,133" in said


def test_guessing_has_no_margin_over_chance() -> None:
    """However the shares are guessed, macro-F1 stays at 1/K in expectation."""
    generator = np.random.default_rng(9)
    truth = generator.choice(3, 3000, p=[0.1, 0.2, 0.7])
    for shares in ([1, 1, 1], [1, 2, 7], [0, 0, 1]):
        guessed = generator.choice(3, 3000, p=np.array(shares) / sum(shares))
        one = Answers(truth, np.eye(3)[guessed])
        metrics = metrics_of(one, LABELS, Bootstrap(3000, 1))
        assert chance_of(metrics, 3)["macro_f1_margin"] < 0
