"""One of each figure, for the page that shows the design. The numbers are made up; every caption says so."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from app.charts.bars import Bar, bars
from app.charts.confusion import confusion
from app.charts.differences import differences
from app.charts.distinctive import distinctive
from app.charts.figure import Figure, Words
from app.charts.gantt import Span, gantt
from app.charts.histogram import Bin, histogram
from app.charts.intervals import Compared, Estimate, intervals
from app.charts.lines import Frame, Series, lines
from app.charts.probabilities import probabilities
from app.charts.reliability import Bin as Sureness
from app.charts.reliability import reliability
from app.charts.shares import Divided, shares
from app.charts.slices import Slice, slices

LABELS = ("negative", "neutral", "positive")
START = datetime(2026, 11, 22, 13, 41, 4, tzinfo=UTC)


def samples(csv_urls: str) -> list[Figure]:
    """``csv_urls`` is where their files are, with ``{}`` for the name."""
    drawn = [_bars, _shares, _histogram, _loss, _coverage, _roc, _latency, _intervals]
    drawn += [_differences, _slices, _confusion, _reliability, _probabilities, _gantt, _distinctive]
    return [each(csv_urls.format(each.__name__.removeprefix("_"))) for each in drawn]


def _words(finding: str, how: str, title: str, description: str) -> Words:
    return Words(finding, f"made-up numbers; {how}", title, description)


def _bars(url: str) -> Figure:
    counts = dict(zip(LABELS, (237, 282, 1745), strict=True))
    total = sum(counts.values())
    items = [Bar(label, count, f"{count:,} · {count / total * 100:.1f} %") for label, count in counts.items()]
    words = _words(
        "Positive reviews outnumber negative ones 7 to 1",
        f"sentiment from stars, n = {total:,}",
        "Sentiment counts",
        ", ".join(f"{count} {label}" for label, count in counts.items()),
    )
    return bars("bars", words, items, "Sentiment", "Rows", csv_url=url)


def _shares(url: str) -> Figure:
    rows = [
        Divided("Trend", (18, 16, 66)),
        Divided("Dresses", (120, 130, 640)),
        Divided("Knits", (90, 110, 760)),
    ]
    words = _words(
        "Trend has the smallest share of positive reviews",
        "share by department; n at right, positive share in the bar",
        "Sentiment by department, 100 per cent bars",
        "Positive: Trend 66 %, Dresses 72 %, Knits 79 %",
    )
    return shares("shares", words, "Department", LABELS, rows, csv_url=url)


def _histogram(url: str) -> Figure:
    counts = (4, 30, 62, 70, 58, 44, 36, 40, 70, 96, 20, 3)
    cut = (0, 0, 0, 0, 0, 0, 0, 2, 18, 80, 20, 3)
    pairs = enumerate(zip(counts, cut, strict=True))
    bins = [
        Bin(place * 10, place * 10 + 10 if place < 11 else None, count, over)
        for place, (count, over) in pairs
    ]
    words = _words(
        f"{sum(cut) / sum(counts) * 100:.0f} % of reviews are longer than the limit",
        f"words per review, n = {sum(counts):,}; 128 tokens are read",
        "Words per review",
        "Two humps, near 35 and near 95 words; cut are reviews between 70 and 120 words",
    )
    return histogram("histogram", words, bins, "words", marked=("read whole", "end not read"), csv_url=url)


def _distinctive(url: str) -> Figure:
    found = (
        ("negative", (("disappointed", 22.0), ("cheap", 18.6), ("huge", 17.3))),
        ("neutral", (("however", 15.5), ("wanted", 13.9), ("unfortunately", 13.2))),
        ("positive", (("perfect", 14.8), ("comfortable", 14.1), ("love", 13.0))),
    )
    classes = [(label, [Bar(word, value, f"{value:.1f}") for word, value in rows]) for label, rows in found]
    words = _words(
        "Disappointment shows in “cheap” and “huge”; praise in fit and comfort",
        "log-odds with a prior, z-score",
        "Words typical of a label",
        "Three words a label",
    )
    return distinctive("distinctive", words, classes, "z-score", csv_url=url)


def _loss(url: str) -> Figure:
    train = [(float(step), 1.05 / (1 + step / 120) + 0.18) for step in range(0, 960, 20)]
    validation = [(319.0, 0.512), (638.0, 0.461), (957.0, 0.474)]
    best = validation[1]
    series = [
        Series("train", train, 1),
        Series("validation", validation, 2, dashed=True, dotted=True, best=best),
    ]
    words = _words(
        "Validation loss was lowest at step 638: .461",
        "train every 20 steps, validation each epoch",
        "Loss by step",
        "Train falls from 1.230 to .299, validation from .512 to .474",
    )
    return lines("loss", words, series, "step", from_zero=True, csv_url=url)


def _coverage(url: str) -> Figure:
    at = [0.35 + 0.05 * place for place in range(13)]
    answered = [(x, 1 - (x - 0.35) ** 2) for x in at]
    right = [(x, 0.86 + 0.18 * (x - 0.35)) for x in at]
    series = [
        Series("right when answered", right, 1, best=right[7], best_label="right"),
        Series("share answered", answered, 2, dashed=True, best=answered[7], best_label="answered"),
    ]
    words = _words(
        "At .70 it answers 88 % of reviews and is right in 92 % of them",
        "the rest goes to a person; n = 1,133",
        "Threshold, coverage and accuracy",
        "As the threshold rises to .95 the share answered falls to .64 and accuracy rises to .968",
    )
    frame = Frame(x=(0.3, 1.0), upright=0.7)
    return lines("coverage", words, series, "threshold", frame=frame, csv_url=url)


def _roc(url: str) -> Figure:
    grid = [place / 20 for place in range(21)]
    powers = zip(LABELS, (0.12, 0.3, 0.06), (1, 2, 3), strict=True)
    series = [
        Series(label, [(x, x**power) for x in grid], colour, dashed=colour == 2)
        for label, power, colour in powers
    ]
    words = _words(
        "Neutral is the hardest to tell from the others",
        "one label against the rest; the diagonal is guessing",
        "ROC curves",
        "All three lie above the diagonal, neutral lowest",
    )
    frame = Frame(x=(0, 1), y=(0, 1), diagonal=True)
    return lines("roc", words, series, "false positive rate", frame=frame, csv_url=url)


def _latency(url: str) -> Figure:
    hours = range(24)
    levels = ((1, "p50", 18.0), (3, "p95", 41.0), (2, "p99", 66.0))
    series = [
        Series(label, [(float(h), base + (h * 7 % 11)) for h in hours], colour, dashed=colour == 2)
        for colour, label, base in levels
    ]
    words = _words(
        "p95 stayed below 52 ms",
        "ms by hour over 24 hours, UTC",
        "Latency of requests",
        "p50 between 18 and 28 ms, p95 between 41 and 51 ms, p99 between 66 and 76 ms",
    )
    frame = Frame(x=(0, 23), ticks=[(h, f"{h:02d}:00") for h in (0, 6, 12, 18)])
    return lines("latency", words, series, "hour", from_zero=True, frame=frame, csv_url=url)


def _intervals(url: str) -> Figure:
    rows = [
        Compared("Accuracy", Estimate(0.859, 0.837, 0.879), Estimate(0.812, 0.788, 0.834)),
        Compared("Macro-F1", Estimate(0.68, 0.641, 0.717), Estimate(0.63, 0.59, 0.668)),
    ]
    words = _words(
        "Macro-F1 is .050 above the baseline, and not by chance",
        "95 % intervals, test split, n = 1,133",
        "Metrics of the candidate and the baseline",
        "Accuracy .859 against .812, macro-F1 .680 against .630",
    )
    return intervals("intervals", words, rows, "candidate", "baseline", csv_url=url)


def _differences(url: str) -> Figure:
    rows = [
        ("Accuracy", Estimate(0.015, 0.002, 0.028)),
        ("Macro-F1", Estimate(0.032, 0.008, 0.056)),
        ("F1 neutral", Estimate(0.021, -0.014, 0.055)),
    ]
    words = _words(
        "Better on the whole; on neutral reviews it may be chance",
        "v6 less v5 on the same 1,133 reviews, paired bootstrap, 95 %",
        "Differences between two versions",
        "Accuracy +.015, macro-F1 +.032, F1 neutral +.021",
    )
    return differences("differences", words, rows, csv_url=url)


def _slices(url: str) -> Figure:
    rows = [
        Slice("Department", "Tops", 503, Estimate(0.865, 0.832, 0.892), Estimate(0.851)),
        Slice("Department", "Jackets", 50, Estimate(0.82, 0.692, 0.902), Estimate(0.84)),
        Slice("Department", "Trend", 6, Estimate(0.667, 0.3, 0.903)),
        Slice("Length", "under 30 words", 159, Estimate(0.906, 0.851, 0.942), Estimate(0.893)),
        Slice("Length", "90 words or more", 276, Estimate(0.808, 0.757, 0.85), Estimate(0.801)),
    ]
    words = _words(
        "Long reviews are the hardest",
        "accuracy with 95 % intervals and n; the dashed line is the whole test split, .859",
        "Accuracy by slice",
        "From .808 for reviews of 90 words or more to .906 under 30 words",
    )
    return slices("slices", words, rows, 0.859, candidate="v6", baseline="v5", csv_url=url)


def _confusion(url: str) -> Figure:
    matrix = ((83, 29, 7), (20, 96, 25), (7, 68, 798))
    words = _words(
        "Neutral is mistaken for both sides; opposite mistakes are rare",
        "test split, n = 1,133; truth in rows, per cent of the row",
        "Confusion matrix",
        "Rows are the truth, columns the prediction",
    )
    return confusion("confusion", words, LABELS, matrix, csv_url=url)


def _reliability(url: str) -> Figure:
    found = ((0.45, 0.41, 29), (0.55, 0.5, 56), (0.65, 0.57, 62), (0.75, 0.71, 88), (0.85, 0.82, 135))
    bins = [Sureness(*each) for each in (*found, (0.96, 0.95, 763))]
    words = _words(
        "Between .6 and .9 it is surer than it should be",
        "mean confidence against the share that was right, 95 % intervals, n at the bottom",
        "Reliability diagram",
        "Points lie slightly under the diagonal",
    )
    return reliability("reliability", words, bins, csv_url=url)


def _probabilities(url: str) -> Figure:
    answer: Sequence[tuple[str, float]] = (("negative", 0.54), ("neutral", 0.38), ("positive", 0.08))
    words = _words(
        "Negative at .540, below the threshold of .70: a person should look",
        "one review",
        "Probabilities of one answer",
        "negative .540, neutral .380, positive .080",
    )
    return probabilities("probabilities", words, answer, threshold=0.7, csv_url=url)


def _gantt(url: str) -> Figure:
    def at(minutes: float) -> datetime:
        return START + timedelta(minutes=minutes)

    spans = [
        Span("prepare", at(0), at(1), "succeeded", "1m 00s"),
        Span("train 1", at(1), at(7), "lost", "6m 00s"),
        Span("train 2", at(8), at(20), "succeeded", "12m 00s"),
        Span("evaluate", at(20), None, "running", "2m 00s"),
    ]
    words = _words(
        "An attempt that did not succeed cost 6m 00s",
        "start and duration of each attempt, UTC",
        "Attempts of a run",
        "prepare 1m, train lost after 6m and again 12m, evaluate runs for 2m",
    )
    return gantt("gantt", words, spans, at(22), csv_url=url)
