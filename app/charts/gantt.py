"""When each attempt ran and for how long, on one clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from markupsafe import Markup

from app.charts.bars import clipped
from app.charts.figure import Data, Figure, Words, chart, figure
from app.charts.svg import mark, share, text

ROW = 26
AXIS = 22
WIDE_ENOUGH = 0.22  # of the plot, for a text inside the bar at 390 px
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
_TICKS = 6
EXPECTED = "expected"  # of a span that has not begun
_COLOURS = {
    EXPECTED: "hollow",
    "succeeded": "f-ok",
    "failed": "f-bad",
    "lost": "f-bad",
    "running": "f-run",
    "cancelled": "f-idle",
    "released": "f-idle",
}


@dataclass(frozen=True)
class Span:
    """``state`` is an attempt's status; ``shown`` its duration in words; ``end`` None: it still runs."""

    label: str
    start: datetime
    end: datetime | None
    state: str
    shown: str


def gantt(name: str, words: Words, spans: Sequence[Span], now: datetime, *, csv_url: str = "") -> Figure:
    first = min(span.start for span in spans)
    last = max(span.end or now for span in spans)
    clock = _Clock(first, max(last - first, timedelta(seconds=1)))
    bottom = ROW * len(spans)
    marks = _ticks(clock, bottom)
    for row, span in enumerate(spans):
        marks += _span(span, row * ROW, clock, now)
    drawing = chart(name, words, "p-gantt", bottom + AXIS, marks)
    return figure(name, words, drawing, _data(spans), csv_url=csv_url)


@dataclass(frozen=True)
class _Clock:
    first: datetime
    length: timedelta

    def share(self, at: datetime) -> float:
        return min(1.0, max(0.0, (at - self.first) / self.length))


def _ticks(clock: _Clock, bottom: float) -> list[Markup]:
    seconds = clock.length.total_seconds()
    step = next((step for step in _STEPS if seconds / step <= _TICKS), _STEPS[-1] * (seconds // 500_000 + 1))
    marks = []
    at = _rounded_up(clock.first, step)
    while at <= clock.first + clock.length:
        x = share(clock.share(at))
        shown = at.strftime("%H:%M" if step >= 60 else "%H:%M:%S")
        marks += [mark("line", class_="grid", x1=x, x2=x, y2=bottom), text(shown, x, bottom + 16, "m")]
        at += timedelta(seconds=step)
    return marks


def _rounded_up(at: datetime, step: float) -> datetime:
    seconds = at.astimezone(UTC).timestamp()
    return datetime.fromtimestamp(-(-seconds // step) * step, UTC)


def _span(span: Span, top: float, clock: _Clock, now: datetime) -> list[Markup]:
    start, end = clock.share(span.start), clock.share(span.end or now)
    width = max(end - start, 0.004)  # a short attempt is still seen
    x = min(start, 1 - width)
    bar = mark(
        "rect", class_=_COLOURS[span.state], x=share(x), width=share(width), y=top + 6, height=14, rx=2
    )
    label = text(clipped(span.label) + mark("title", span.label), -72, top + 17, "v")
    return [label, bar, _duration(span, x, width, top + 17)]


def _duration(span: Span, x: float, width: float, y: float) -> Markup:
    if width >= WIDE_ENOUGH:
        return text(span.shown, share(x), y, "on", dx=6)
    if x + width < 1 - WIDE_ENOUGH:
        return text(span.shown, share(x + width), y, "v", dx=6)
    return text(span.shown, share(x), y, "v e", dx=-6)


def _data(spans: Sequence[Span]) -> Data:
    rows = [(span.label, f"{span.start.astimezone(UTC):%H:%M:%S}", span.shown, span.state) for span in spans]
    columns = ("Attempt", "Start, UTC", "Duration", "State")
    values = [(span.label, span.start, span.end, span.state) for span in spans]
    return Data(columns, rows, frozenset({"Attempt", "State"}), ("attempt", "start", "end", "state"), values)
