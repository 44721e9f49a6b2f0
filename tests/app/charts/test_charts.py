"""Each chart is parsed as XML; its marks and its table are counted against the data it was given."""

import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta

import pytest

from app.charts.bars import Bar, balance, bars
from app.charts.confusion import confusion
from app.charts.gantt import Span, gantt
from app.charts.intervals import Compared, Estimate, intervals
from app.charts.lines import POINTS, Reference, Series, lines
from app.charts.probabilities import probabilities
from app.charts.reliability import Bin, reliability
from app.charts.track import track
from ml.evaluation.proportion import wilson_bounds
from tests.app.charts.reading_figures import WORDS, drawing, of_class, parsed, rows

START = datetime(2026, 11, 22, 13, 41, 4, tzinfo=UTC)


def test_bars_are_as_long_as_their_values() -> None:
    items = [Bar("negative", 2370, "2,370"), Bar("neutral", 2823, "2,823"), Bar("positive", 17448, "17,448")]
    drawn = bars("lab", WORDS, items, "Label", "Rows")
    widths = [bar.attrib["width"] for bar in drawing(drawn).iter("rect")]
    assert widths == ["13.6%", "16.2%", "100%"]
    assert rows(drawn) == [["negative", "2,370"], ["neutral", "2,823"], ["positive", "17,448"]]


def test_a_long_label_is_clipped_in_the_drawing_and_whole_in_the_table() -> None:
    label = "a very long <label>"
    drawn = bars("lab", WORDS, [Bar(label, 1, "1")], "Label", "Rows")
    text = next(one for one in drawing(drawn).iter("text"))
    assert text.text == "a very lo…"
    assert text.findtext("title") == label
    assert rows(drawn)[0][0] == label


def test_the_balance_says_its_numbers_to_those_who_cannot_see_it() -> None:
    bar = ET.fromstring(balance([("negative", 1), ("positive", 3)]))
    assert [rect.attrib["width"] for rect in bar.iter("rect")] == ["25%", "75%"]
    assert bar.attrib["aria-label"] == "negative 25.0 %, positive 75.0 %"


def test_nothing_at_all_has_a_balance_too() -> None:
    assert ET.fromstring(balance([("a", 0), ("b", 0)])).attrib["aria-label"] == "a 0.0 %, b 0.0 %"


TRAIN = Series("train", [(step, 1 / step) for step in range(1, 51)], 1)
VALIDATION = Series(
    "validation", [(10, 0.5), (20, 0.4), (30, 0.45)], 2, dashed=True, dotted=True, best=(20, 0.4)
)


def test_curves_have_a_line_a_series_and_a_dot_a_validation() -> None:
    drawn = drawing(lines("loss", WORDS, [TRAIN, VALIDATION], "step"))
    assert len(list(drawn.iter("path"))) == 2
    assert len(of_class(drawn, "path", "dash")) == 1
    dots = [one.attrib["r"] for one in drawn.iter("circle")]
    assert dots == ["3.5"] * 3 + ["5"]
    assert "kept .400" in [text.text for text in drawn.iter("text")]


def test_a_curve_goes_down_where_its_values_go_down() -> None:
    drawn = drawing(lines("loss", WORDS, [Series("train", [(0, 1.0), (10, 0.0)], 1)], "step"))
    assert next(drawn.iter("path")).attrib["d"] == "M0 0L1000 1000"


def test_the_table_of_a_curve_has_a_row_for_each_step() -> None:
    table = rows(lines("loss", WORDS, [TRAIN, VALIDATION], "step"))
    assert len(table) == 50
    assert table[9] == ["10", ".1000", ".5000"]
    assert table[10] == ["11", ".0909", "–"]


def test_a_long_curve_is_thinned_and_keeps_its_ends() -> None:
    points = [(float(step), step / 10_000) for step in range(10_001)]
    drawn = lines("loss", WORDS, [Series("train", points, 1)], "step")
    table = rows(drawn)
    assert len(table) <= POINTS
    assert (table[0][0], table[-1][0]) == ("0", "10,000")
    assert next(drawing(drawn).iter("path")).attrib["d"].count("L") == len(table) - 1


def test_one_point_is_a_dot_and_no_line() -> None:
    drawn = drawing(lines("loss", WORDS, [Series("train", [(1, 0.5)], 1)], "step"))
    assert len(list(drawn.iter("path"))) == 0
    assert len(list(drawn.iter("circle"))) == 1


def test_a_reference_lies_within_the_axis() -> None:
    drawn = drawing(lines("f1", WORDS, [VALIDATION], "step", reference=Reference("baseline", 0.9)))
    line = of_class(drawn, "line", "ref")[0]
    assert 0 <= float(line.attrib["y1"]) <= 180
    assert "baseline .900" in [text.text for text in drawn.iter("text")]


def test_the_confusion_matrix_is_its_own_table() -> None:
    drawn = confusion("cm", WORDS, ["negative", "positive"], [[90, 10], [30, 70]])
    root = parsed(drawn)
    assert root.find("svg") is None
    assert rows(drawn) == [["negative", "9090 %", "1010 %", "100"], ["positive", "3030 %", "7070 %", "100"]]
    classes = [cell.get("class") for cell in root.iter("td")]
    assert classes == ["y3", "x1", "sum", "x2", "y2", "sum"]


def test_a_class_without_a_row_in_the_test_split_divides_by_nothing() -> None:
    assert rows(confusion("cm", WORDS, ["a", "b"], [[1, 0], [0, 0]]))[1] == ["b", "00 %", "00 %", "0"]


def test_reliability_leaves_empty_bins_out() -> None:
    drawn = reliability("rel", WORDS, [Bin(0.45, 0.4, 29), Bin(0.55, 0.0, 0), Bin(0.96, 0.95, 763)])
    assert len(list(drawing(drawn).iter("circle"))) == 2
    assert len(of_class(drawing(drawn), "line", "whisk")) == 2
    assert [row[3] for row in rows(drawn)] == ["29", "763"]


@pytest.mark.parametrize(("share", "n", "low", "high"), [(0.5, 4, 0.15, 0.85), (1.0, 20, 0.839, 1.0)])
def test_the_interval_of_a_share_is_wilsons(share: float, n: int, low: float, high: float) -> None:
    assert wilson_bounds(share, n) == (pytest.approx(low, abs=1e-3), pytest.approx(high, abs=1e-3))


def test_intervals_compare_the_candidate_with_the_baseline() -> None:
    compared = [
        Compared("Accuracy", Estimate(0.86, 0.84, 0.88), Estimate(0.81, 0.79, 0.83)),
        Compared("Calibration error", Estimate(0.02)),
    ]
    drawn = intervals("m", WORDS, compared)
    assert len(list(drawing(drawn).iter("circle"))) == 3
    assert len(of_class(drawing(drawn), "line", "whisk")) == 2
    assert rows(drawn)[0] == ["Accuracy", ".860", ".840–.880", ".810", ".790–.830"]
    assert rows(drawn)[1] == ["Calibration error", ".020", "–", "–", "–"]


def spans() -> list[Span]:
    at = [START + timedelta(seconds=seconds) for seconds in (0, 10, 60)]
    return [
        Span("prepare", at[0], at[1], "succeeded", "10s"),
        Span("train 1", at[1], at[2], "lost", "50s"),
        Span("train 2", at[2], None, "running", "40s"),
    ]


def test_the_gantt_has_a_bar_an_attempt_on_one_clock() -> None:
    drawn = gantt("g", WORDS, spans(), START + timedelta(seconds=100))
    bars_drawn = list(drawing(drawn).iter("rect"))
    assert [(one.attrib["x"], one.attrib["width"]) for one in bars_drawn] == [
        ("0%", "10%"),
        ("10%", "50%"),
        ("60%", "40%"),
    ]
    assert [one.attrib["class"] for one in bars_drawn] == ["f-ok", "f-bad", "f-run"]
    assert rows(drawn)[1] == ["train 1", "13:41:14", "50s", "lost"]


@pytest.mark.parametrize("seconds", [0, 1, 90, 7200, 86400 * 9])
def test_the_clock_of_a_gantt_has_few_ticks(seconds: int) -> None:
    end = START + timedelta(seconds=seconds)
    drawn = drawing(gantt("g", WORDS, [Span("import", START, end, "succeeded", "–")], end))
    assert len(of_class(drawn, "line", "grid")) <= 7


def test_the_track_has_a_block_a_step() -> None:
    shown = ET.fromstring(
        track([("succeeded", True), ("leased", False), ("failed", False), ("blocked", False)])
    )
    assert [block.get("class") for block in shown] == ["cache", "run", "bad", ""]


def test_a_figure_gives_its_numbers_in_full_and_links_to_them() -> None:
    items = [Bar("negative", 2370.5, "2,371 s")]
    drawn = bars("lab", WORDS, items, "Label", "Seconds", csv_url="/x/figures/lab.csv")
    assert drawn.csv() == (("Label", "Seconds"), [("negative", 2370.5)])
    link = next(parsed(drawn).iter("a"))
    assert (link.get("href"), link.text, link.get("aria-label")) == (
        "/x/figures/lab.csv",
        "CSV",
        "CSV: A title",
    )
    assert not list(parsed(bars("lab", WORDS, items, "Label", "Seconds")).iter("a"))


def test_the_file_of_a_long_curve_has_the_points_that_are_not_drawn() -> None:
    points = [(float(step), step / 3) for step in range(1001)]
    header, values = lines("loss", WORDS, [Series("train", points, 1), VALIDATION], "step").csv()
    assert header == ("step", "train", "validation")
    assert [list(row) for row in values] == [[x, y, dict(VALIDATION.points).get(x)] for x, y in points]


def test_intervals_have_a_column_for_each_end_in_the_file() -> None:
    drawn = intervals("m", WORDS, [Compared("Accuracy", Estimate(0.8594, 0.84, 0.88))], "v6", "v5")
    header, values = drawn.csv()
    assert header == ("metric", "v6", "v6 low", "v6 high", "v5", "v5 low", "v5 high")
    assert values == [("Accuracy", 0.8594, 0.84, 0.88, None, None, None)]


def test_every_other_figure_gives_its_numbers_too() -> None:
    matrix = confusion("cm", WORDS, ["a", "b"], [[9, 1], [3, 7]], csv_url="/cm.csv")
    assert matrix.csv() == (("truth", "predicted a", "predicted b"), [("a", 9, 1), ("b", 3, 7)])
    assert next(parsed(matrix).iter("a")).get("href") == "/cm.csv"
    sure = reliability("rel", WORDS, [Bin(0.45, 0.5, 4)])
    assert sure.csv()[1] == [(0.45, 0.5, *wilson_bounds(0.5, 4), 4)]
    answer = probabilities("p", WORDS, [("positive", 0.9123)], threshold=0.7)
    assert answer.csv() == (("label", "probability"), [("positive", 0.9123)])
    clock = gantt("g", WORDS, spans()[:1], START)
    assert clock.csv()[1] == [("prepare", START, START + timedelta(seconds=10), "succeeded")]
