"""95 % intervals: Wilson's for a proportion, the bootstrap's for everything else.

The bootstrap draws rows with replacement, all draws from one seed. A draw is kept as how often each row
came up, so every figure of every draw follows from a few matrix products, not from a Python loop.
"""

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from ml.evaluation.counts import Counts, Floats, per_class_of
from ml.evaluation.proportion import wilson_bounds

DRAWS = 1000
LEVEL = 0.95
BINS = 15
METHOD = f"Wilson for accuracy; percentile bootstrap over {DRAWS} draws of the test rows otherwise"


@dataclass(frozen=True)
class Figure:
    """A measured value with its interval, and the number of rows it was measured on."""

    value: float
    low: float
    high: float
    n: int

    def as_dict(self) -> dict[str, float | int]:
        return asdict(self)


@dataclass(frozen=True)
class Answers:
    """A model's predictions on the test rows. ``probabilities`` has a column a label."""

    truth: npt.NDArray[np.int64]
    probabilities: Floats

    @property
    def predicted(self) -> npt.NDArray[np.int64]:
        return np.asarray(self.probabilities.argmax(1), dtype=np.int64)

    @property
    def confidence(self) -> Floats:
        return np.asarray(self.probabilities.max(1))

    @property
    def classes(self) -> int:
        return int(self.probabilities.shape[1])


def wilson(hits: int, n: int) -> Figure:
    return Figure(hits / n, *wilson_bounds(hits / n, n), n)


def percentile(value: float, draws: Floats, n: int) -> Figure:
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Figure(value, float(low), float(high), n)


class Bootstrap:
    """The same draws for every model, so that a difference between two models is a paired one."""

    def __init__(self, rows: int, seed: int) -> None:
        self._rows = rows
        self._seed = seed

    def totals(self, cells: npt.NDArray[np.int64], size: int, values: Floats | None = None) -> Floats:
        """Per draw, the sum of ``values`` (or the count) of the rows in each of ``size`` cells."""
        generator = np.random.default_rng(self._seed)
        found = np.empty((DRAWS, size))
        for draw in range(DRAWS):
            rows = generator.integers(0, self._rows, self._rows)
            weights = None if values is None else values[rows]
            found[draw] = np.bincount(cells[rows], weights, minlength=size)
        return found

    def confusions(self, answers: Answers) -> Counts:
        k = answers.classes
        totals = self.totals(answers.truth * k + answers.predicted, k * k)
        return totals.reshape(DRAWS, k, k).astype(np.int64)

    def macro_f1(self, answers: Answers) -> Floats:
        return np.asarray(per_class_of(self.confusions(answers))[2].mean(-1))

    def accuracy(self, answers: Answers) -> Floats:
        hits = (answers.predicted == answers.truth).astype(np.int64)
        return np.asarray(self.totals(hits, 2)[:, 1] / self._rows)

    def calibration_error(self, answers: Answers) -> Floats:
        gap = answers.confidence - (answers.predicted == answers.truth)
        return np.asarray(np.abs(self.totals(bins_of(answers), BINS, gap)).sum(1) / self._rows)


def bins_of(answers: Answers) -> npt.NDArray[np.int64]:
    """Confidence in equal steps from 0 to 1, each bin closed above as is usual for this figure."""
    return np.clip(np.ceil(answers.confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)


def calibration_error(answers: Answers) -> float:
    gap = answers.confidence - (answers.predicted == answers.truth)
    return float(np.abs(np.bincount(bins_of(answers), gap, minlength=BINS)).sum() / len(gap))
