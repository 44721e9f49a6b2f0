"""The figures of data sets and reports: shares, lengths, words, thresholds, slices, differences."""

import xml.etree.ElementTree as ET

import pytest

from app.charts.bars import Bar
from app.charts.confusion import confusion
from app.charts.differences import differences
from app.charts.distinctive import distinctive
from app.charts.histogram import Bin, Limit, histogram, small
from app.charts.intervals import Estimate
from app.charts.lines import Frame, Series, lines
from app.charts.samples import samples
from app.charts.shares import Divided, shares
from app.charts.slices import Slice, slices
from app.charts.track import spark
from tests.app.charts.reading_figures import WORDS, drawing, of_class, parsed, rows, texts


def test_shares_fill_the_whole_bar_of_every_row() -> None:
    found = [Divided("Trend", (1, 1, 2)), Divided("Empty", (0, 0, 0))]
    drawn = shares("s", WORDS, "Department", ("negative", "neutral", "positive"), found)
    boxes = [(one.get("x"), one.get("width")) for one in drawing(drawn).iter("rect")]
    assert boxes[:3] == [("0%", "25%"), ("25%", "25%"), ("50%", "50%")]
    assert "50 %" in texts(drawing(drawn))
    assert rows(drawn)[0] == ["Trend", "1 · 25.0 %", "1 · 25.0 %", "2 · 50.0 %", "4"]
    assert drawn.csv()[1] == [("Trend", 1, 1, 2, 4), ("Empty", 0, 0, 0, 0)]


def test_a_share_that_is_narrow_has_no_number_inside() -> None:
    drawn = shares("s", WORDS, "Department", ("a", "b"), [Divided("Trend", (9, 1))])
    assert not of_class(drawing(drawn), "text", "on")


BINS = [Bin(0, 10, 30), Bin(10, 20, 100, 25), Bin(20, None, 10, 10)]


def test_the_bins_of_a_histogram_stand_side_by_side_with_the_cut_on_top() -> None:
    drawn = drawing(histogram("h", WORDS, BINS, "words", marked=("read whole", "end not read")))
    whole, cut = of_class(drawn, "rect", "f-soft"), of_class(drawn, "rect", "f-neg")
    assert [one.get("x") for one in whole] == ["0%", "33.3%", "66.7%"]
    assert [float(one.get("height", "")) for one in whole] == [51.0, 127.5, 0]
    assert [float(one.get("height", "")) for one in cut] == [42.5, 17.0]
    second = (float(whole[1].get("y", "")), float(cut[0].get("y", "")) + float(cut[0].get("height", "")))
    assert second[0] == second[1]


def test_the_last_bin_of_a_histogram_may_be_open() -> None:
    drawn = histogram("h", WORDS, BINS, "words", marked=("read whole", "end not read"))
    assert [row[0] for row in rows(drawn)] == ["0–10", "10–20", "20 or more"]
    assert drawn.csv()[1][2] == (20, None, 10, 10)
    assert len(rows(histogram("h", WORDS, BINS, "words"))[0]) == 2


def test_a_limit_stands_at_its_place_among_the_bins() -> None:
    drawn = drawing(histogram("h", WORDS, BINS, "words", limit=Limit(15, "128 tokens")))
    (line,) = of_class(drawn, "line", "ref")
    assert line.get("x1") == line.get("x2") == "50%"
    beyond = drawing(histogram("h", WORDS, BINS, "words", limit=Limit(90, "512 tokens")))
    assert of_class(beyond, "line", "ref")[0].get("x1") == "100%"


def test_a_histogram_in_a_heads_cell_says_its_numbers() -> None:
    drawn = ET.fromstring(small("Ratings 1 to 2: 5, 10", [5, 10]))
    assert drawn.get("aria-label") == "Ratings 1 to 2: 5, 10"
    assert [one.get("height") for one in drawn.iter("rect")] == ["14", "28"]


def test_words_of_all_labels_are_drawn_on_one_scale() -> None:
    classes = [("negative", [Bar("cheap", 20.0, "20.0")]), ("positive", [Bar("love", 10.0, "10.0")])]
    drawn = distinctive("w", WORDS, classes, "z-score")
    parts = parsed(drawn).findall("div/div/svg")
    assert [part.findtext("title") for part in parts] == ["A title: negative", "A title: positive"]
    assert [one.get("width") for part in parts for one in part.iter("rect")] == ["100%", "50%"]
    assert len({part.get("aria-labelledby") for part in parts}) == 2
    assert rows(drawn) == [["negative", "cheap", "20.0"], ["positive", "love", "10.0"]]


def test_a_threshold_stands_where_it_was_chosen() -> None:
    right = Series("right", [(0.5, 0.8), (0.7, 0.9), (0.9, 1.0)], 1, best=(0.7, 0.9), best_label="right")
    drawn = drawing(lines("t", WORDS, [right], "threshold", frame=Frame(x=(0.5, 0.9), upright=0.7)))
    assert of_class(drawn, "line", "ref")[0].get("x1") == "50%"
    assert next(drawn.iter("circle")).get("cx") == "50%"
    assert "right .900" in texts(drawn)


def test_of_two_chosen_points_at_one_place_the_lower_ones_label_is_below() -> None:
    high = Series("right", [(0.5, 1.0), (0.7, 0.9)], 1, best=(0.7, 0.9), best_label="right")
    low = Series("answered", [(0.5, 0.9), (0.7, 0.8)], 2, best=(0.7, 0.8), best_label="answered")
    drawn = drawing(lines("t", WORDS, [high, low], "threshold"))
    labels = {one.text: float(one.get("y", "")) for one in drawn.iter("text")}
    dots = [float(one.get("cy", "")) for one in drawn.iter("circle")]
    assert labels["right .900"] < dots[0] < dots[1] < labels["answered .800"]


def test_a_chosen_point_at_the_top_has_its_label_below() -> None:
    series = Series("right", [(0.5, 0.8), (0.7, 1.0)], 1, best=(0.7, 1.0), best_label="right")
    drawn = drawing(lines("t", WORDS, [series], "threshold"))
    (label,) = [float(one.get("y", "")) for one in drawn.iter("text") if one.text == "right 1.000"]
    assert label > 0


def test_guessing_is_the_diagonal_of_a_square() -> None:
    frame = Frame(x=(0, 1), y=(0, 1), diagonal=True)
    drawn = drawing(lines("roc", WORDS, [Series("a", [(0, 0), (0.2, 0.9), (1, 1)], 1)], "rate", frame=frame))
    assert [one.get("d") for one in drawn.iter("path")] == ["M0 1000L1000 0", "M0 1000L200 100L1000 0"]


def test_clock_times_name_the_places_that_they_are_given() -> None:
    frame = Frame(x=(0, 10), ticks=[(0, "13:00"), (5, "14:00")])
    drawn = drawing(lines("l", WORDS, [Series("p95", [(0, 1), (10, 2)], 1)], "time", frame=frame))
    assert {"13:00", "14:00"} <= set(texts(drawn))


SLICES = [
    Slice("Department", "Tops", 503, Estimate(0.8, 0.7, 0.9), Estimate(0.75)),
    Slice("Department", "Trend", 6, Estimate(0.5, 0.1, 0.9), Estimate(0.6)),
    Slice("Length", "short", 90, Estimate(0.9, 0.8, 1.0)),
]


def test_slices_of_a_group_stand_under_its_name() -> None:
    found = texts(drawing(slices("s", WORDS, SLICES, 0.8)))
    assert found.count("Department") == found.count("Length") == 1
    assert found.index("Department") < found.index("Trend") < found.index("Length") < found.index("short")


def test_a_slice_of_few_rows_is_hollow_without_a_number() -> None:
    drawn = slices("s", WORDS, SLICES, 0.8)
    assert len(of_class(drawing(drawn), "circle", "d1")) == 2
    assert len(of_class(drawing(drawn), "circle", "hollow")) == 2  # a baseline, and what can't be judged
    assert "too few" in texts(drawing(drawn))
    assert "0.5" not in [one.get("x1") for one in of_class(drawing(drawn), "line", "whisk")]
    assert drawn.csv()[1][1] == ("Department", "Trend", 6, 0.5, 0.1, 0.9, 0.6)


def test_a_difference_that_may_be_chance_is_hollow_and_said_so() -> None:
    drawn = differences(
        "d", WORDS, [("Accuracy", Estimate(0.02, 0.01, 0.03)), ("F1", Estimate(0.01, -0.02, 0.04))]
    )
    assert len(of_class(drawing(drawn), "circle", "hollow")) == 1
    assert [row[3] for row in rows(drawn)] == ["not by chance", "may be chance"]
    zero = of_class(drawing(drawn), "line", "ref")[0].get("x1", "")
    assert 0 < float(zero.rstrip("%")) < 100


def test_a_cell_of_the_confusion_matrix_leads_to_its_reviews() -> None:
    links = [["/r?t=a&p=a", "/r?t=a&p=b"], ["/r?t=b&p=a", "/r?t=b&p=b"]]
    drawn = confusion("cm", WORDS, ["a", "b"], [[9, 0], [3, 7]], links=links)
    found = [(one.text, one.get("href")) for one in parsed(drawn).iter("a")]
    assert found == [("9", "/r?t=a&p=a"), ("3", "/r?t=b&p=a"), ("7", "/r?t=b&p=b")]


@pytest.mark.parametrize("values", [[], [3.0], [1.0, 4.0, 2.0]])
def test_a_spark_says_what_it_draws(values: list[float]) -> None:
    drawn = ET.fromstring(spark("Requests by hour", values))
    assert drawn.get("aria-label") == "Requests by hour"
    assert len(list(drawn.iter("path"))) == (1 if len(values) > 1 else 0)


def test_every_sample_says_that_it_is_one_and_has_a_file() -> None:
    found = samples("/help/design/figures/{}.csv")
    for figure in found:
        root = ET.fromstring(figure)
        assert "made-up numbers" in (root.findtext("figcaption/span") or "")
        assert f"/help/design/figures/{figure.name}.csv" in [one.get("href") for one in root.iter("a")]
        header, values = figure.csv()
        assert {len(row) for row in values} == {len(header)}
    assert len({figure.name for figure in found}) == len(found)
