"""The report's figures beyond the two metrics: confusion, reliability, thresholds, curves, slices.

Each states its finding. An evaluation of an older program lacks some of them, and the report then does too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.charts.confusion import confusion
from app.charts.figure import Figure, Words
from app.charts.intervals import Estimate
from app.charts.lines import Frame, Point, Series, lines
from app.charts.notation import score
from app.charts.reliability import Bin, reliability
from app.charts.slices import Slice, slices
from app.runs.report.answers import Narrowed
from ml.data.labels import display_name

SHOWN_THRESHOLD = 0.7
CLASSES_DRAWN = 3  # curves that can be told apart; the table above has every class


@dataclass(frozen=True)
class Source:
    """An evaluation and where its report lies. ``rows`` is "" where no file of predictions is kept."""

    evaluation: Mapping[str, Any]
    address: str = ""
    rows: str = ""

    @property
    def named(self) -> list[str]:
        labels = self.evaluation["labels"]
        return [display_name(label, labels) for label in labels]

    @property
    def measured(self) -> str:
        return f"{self.evaluation['split']} split, n = {self.evaluation['n']:,}"

    def csv(self, name: str) -> str:
        return f"{self.address}/figures/{name}.csv" if self.address else ""

    def behind(self, **chosen: str) -> str:
        """The address of the test rows that a mark of a figure stands for."""
        return self.rows + Narrowed().url(**chosen) if self.rows else ""


def figures(source: Source) -> dict[str, Figure]:
    """By name, in the order of the report."""
    drawn = {
        "confusion": confusion_of(source),
        "reliability": reliability_of(source),
        "coverage": coverage_of(source),
        "pr": recall_of(source),
        "roc": roc_of(source),
        "slices": slices_of(source),
    }
    return {name: each for name, each in drawn.items() if each is not None}


def confusion_of(source: Source) -> Figure:
    labels, named = source.evaluation["labels"], source.named
    matrix = source.evaluation["confusion"]["matrix"]
    opened = "; each cell opens its reviews" if source.rows else ""
    words = Words(
        _mistaken(matrix, named),
        f"{source.measured}; truth in rows, per cent of the row{opened}",
        "Confusion matrix",
        "Confusion matrix, rows are the truth, columns the prediction",
    )
    links = [[source.behind(actual=truth, predicted=taken) for taken in labels] for truth in labels]
    return confusion("confusion", words, named, matrix, links=links, csv_url=source.csv("confusion"))


def _mistaken(matrix: Sequence[Sequence[int]], named: Sequence[str]) -> str:
    mistakes = [
        (count, truth, taken)
        for truth, row in enumerate(matrix)
        for taken, count in enumerate(row)
        if truth != taken and count
    ]
    if not mistakes:
        return "Not one mistake"
    count, truth, taken = max(mistakes)
    return (
        f"The commonest mistake: {named[truth]} taken for {named[taken]}, {count:,} of {sum(matrix[truth]):,}"
    )


def reliability_of(source: Source) -> Figure | None:
    found = [one for one in source.evaluation.get("reliability", ()) if one["n"]]
    if not found:
        return None
    bins = [Bin(one["confidence"], one["accuracy"], one["n"]) for one in found]
    points = "; ".join(
        f"at confidence {score(one.confidence)} right in {score(one.accuracy)}" for one in bins
    )
    how = f"mean confidence against the share that was right, 95 % intervals; {source.measured}"
    words = Words(_sureness(source.evaluation, bins), how, "Reliability diagram", points)
    return reliability("reliability", words, bins, csv_url=source.csv("reliability"))


def _sureness(evaluation: Mapping[str, Any], bins: Sequence[Bin]) -> str:
    total = sum(one.n for one in bins)
    excess = sum((one.confidence - one.accuracy) * one.n for one in bins) / total
    error = f"calibration error {score(evaluation['metrics']['ece']['value'])}"
    if abs(excess) < 0.01:
        return f"As sure as it should be on the whole; {error}"
    return f"Too {'sure' if excess > 0 else 'unsure'} by {score(abs(excess))} on the whole; {error}"


def coverage_of(source: Source) -> Figure | None:
    rows = source.evaluation.get("coverage", ())
    if len(rows) < 2:
        return None
    chosen = min(rows, key=lambda row: abs(row["threshold"] - SHOWN_THRESHOLD))
    right: list[Point] = [(row["threshold"], row["accuracy"]["value"]) for row in rows]
    answered: list[Point] = [(row["threshold"], row["answered"]) for row in rows]
    place = rows.index(chosen)
    series = [
        Series("right when answered", right, 1, best=right[place], best_label="right"),
        Series("share answered", answered, 2, dashed=True, best=answered[place], best_label="answered"),
    ]
    answered_words = f"it answers {chosen['answered'] * 100:.1f} % of the reviews"
    figure = chosen["accuracy"]
    words = Words(
        f"Asked to be {score(chosen['threshold'], 2)} sure, {answered_words} and is right in "
        f"{figure['value'] * 100:.1f} % of them",
        f"95 % interval {figure['low'] * 100:.1f} to {figure['high'] * 100:.1f} %, n = {figure['n']:,}; "
        "the rest would go to people",
        "Threshold, coverage and accuracy",
        "; ".join(
            f"from {score(row['threshold'], 2)}: answered {score(row['answered'])}, "
            f"right {score(row['accuracy']['value'])}"
            for row in rows
        ),
    )
    frame = Frame(x=(rows[0]["threshold"], 1.0), upright=chosen["threshold"])
    return lines("coverage", words, series, "threshold", frame=frame, csv_url=source.csv("coverage"))


def recall_of(source: Source) -> Figure | None:
    found = _hardest(source, "average_precision")
    if not found:
        return None
    series = _series(source, found, "precision")
    listed = ", ".join(f"{name} {score(one['average_precision'])}" for name, one in found)
    words = Words(
        f"{found[0][0].capitalize()} is the hardest class to find: average precision "
        f"{score(found[0][1]['average_precision'])}",
        f"{_which(source, found)}; {source.measured}",
        "Precision by recall",
        f"Average precision: {listed}",
    )
    frame = Frame(x=(0.0, 1.0), y=(0.0, 1.0))
    return lines("pr", words, series, "recall", frame=frame, csv_url=source.csv("pr"))


def roc_of(source: Source) -> Figure | None:
    found = _hardest(source, "auc")
    if not found:
        return None
    series = _series(source, found, "sensitivity")
    listed = ", ".join(f"{name} {score(one['auc'])}" for name, one in found)
    words = Words(
        f"Area under the curve: {listed}",
        f"each class against all others, dashed is guessing; {_which(source, found)}",
        "Receiver operating characteristic",
        f"Share of the class that is found, by the share of others taken for it. Areas: {listed}",
    )
    frame = Frame(x=(0.0, 1.0), y=(0.0, 1.0), diagonal=True)
    return lines("roc", words, series, "false positive rate", frame=frame, csv_url=source.csv("roc"))


def _hardest(source: Source, figure: str) -> list[tuple[str, Mapping[str, Any]]]:
    """The classes to be drawn, those with the smallest area first; one without a review has no curve."""
    classes = source.evaluation.get("curves", {}).get("classes", {})
    named = dict(zip(source.evaluation["labels"], source.named, strict=True))
    found = [(named[label], one) for label, one in classes.items() if one["n"]]
    return sorted(found, key=lambda pair: float(pair[1][figure]))[:CLASSES_DRAWN]


def _series(source: Source, found: Sequence[tuple[str, Mapping[str, Any]]], name: str) -> list[Series]:
    grid = source.evaluation["curves"]["grid"]
    return [
        Series(label, list(zip(grid, one[name], strict=True)), colour, dashed=colour == 2)
        for colour, (label, one) in enumerate(found, 1)
    ]


def _which(source: Source, found: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    counts = ", ".join(f"{name} n = {one['n']:,}" for name, one in found)
    of_all = len(source.evaluation["labels"])
    return f"the {len(found)} hardest of {of_all} classes: {counts}" if of_all > len(found) else counts


def slices_of(source: Source) -> Figure | None:
    found = source.evaluation.get("slices", ())
    if not found:
        return None
    rows = [
        Slice(
            one["dimension"].capitalize(),
            one["slice"],
            one["n"],
            _estimate(one["accuracy"]),
            _estimate(one["baseline"]),
        )
        for one in found
    ]
    whole = source.evaluation["metrics"]["accuracy"]["value"]
    words = Words(
        _weakest(found, whole),
        "accuracy with 95 % intervals and n; the dashed line is the whole "
        f"{source.evaluation['split']} split, {score(whole)}",
        "Accuracy by slice",
        "; ".join(f"{row.label} {score(row.candidate.value)}, n = {row.n}" for row in rows),
    )
    return slices("slices", words, rows, whole, baseline="TF-IDF baseline", csv_url=source.csv("slices"))


def _weakest(found: Sequence[Mapping[str, Any]], whole: float) -> str:
    """Only a slice whose interval leaves the whole's accuracy out is called weak."""
    judged = [one for one in found if one["n"] >= 30]
    weak = sorted(
        (one["accuracy"]["value"], one["slice"]) for one in judged if one["accuracy"]["high"] < whole
    )
    if weak:
        names = " and ".join(name for _, name in weak[:2])
        return f"Clearly below the whole: {names}"
    return "No slice is clearly below the whole"


def _estimate(figure: Mapping[str, Any]) -> Estimate:
    return Estimate(figure["value"], figure["low"], figure["high"])
