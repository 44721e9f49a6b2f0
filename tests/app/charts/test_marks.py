import xml.etree.ElementTree as ET

import pytest

from app.charts import notation
from app.charts.scale import scale
from app.charts.svg import mark


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.8594, ".859"), (1.0, "1.000"), (0.0, ".000"), (-0.01, "−.010"), (-0.00001, ".000"), (None, "–")],
)
def test_a_score_drops_the_zero_before_the_point(value: float | None, shown: str) -> None:
    assert notation.score(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(0.032, "+.032"), (-0.032, "−.032"), (0.0001, ".000"), (None, "–")]
)
def test_a_difference_shows_its_sign_unless_it_rounds_to_nothing(value: float | None, shown: str) -> None:
    assert notation.signed(value) == shown


def test_intervals_are_readable_beside_a_minus() -> None:
    assert notation.interval(0.8, 0.9) == ".800–.900"
    assert notation.signed_interval(-0.01, 0.02) == "−.010 to +.020"
    assert notation.interval(None, 0.9) == "–"


@pytest.mark.parametrize(
    "values", [[0.2, 0.96], [0.513, 0.679], [0, 957], [0.001, 0.0123], [5, 5], [], [-3.0, 4.0]]
)
def test_an_axis_holds_every_value_between_evenly_spaced_ticks(values: list[float]) -> None:
    axis = scale(values)
    assert all(axis.low <= value <= axis.high for value in values)
    distances = {round(b - a, 9) for a, b in zip(axis.ticks, axis.ticks[1:], strict=False)}
    assert len(distances) == 1
    assert len({axis.label(tick) for tick in axis.ticks}) == len(axis.ticks) >= 3


def test_an_axis_ignores_what_is_not_a_number() -> None:
    axis = scale([0.5, float("nan"), 0.9, float("inf")])
    assert (axis.low, axis.high) == (0.5, 0.9)


def test_content_and_attributes_are_escaped() -> None:
    drawn = mark("text", "<script>", class_='"><b>', aria_label="a & b")
    element = ET.fromstring(drawn)
    assert element.text == "<script>"
    assert element.attrib == {"class": '"><b>', "aria-label": "a & b"}


def test_only_shapes_close_themselves() -> None:
    assert mark("td") == "<td></td>"
    assert mark("rect", width=3) == '<rect width="3"/>'
