"""What every chart has around it: the finding as a caption, a name for those who can't see it, its data."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from app.charts.svg import join, mark


@dataclass(frozen=True)
class Words:
    """``finding`` is what the chart shows, ``how`` how it was measured and n; both are read by everybody.

    ``title`` names the drawing and ``description`` says what is in it, for readers without sight.
    """

    finding: str
    how: str
    title: str
    description: str


@dataclass(frozen=True)
class Data:
    """The numbers behind a chart. Columns in ``texts`` are words, all others numbers, set to the right.

    ``rows`` are for people: rounded, with units. ``values`` under ``header`` are the same for programs: in
    full, one number a cell; without them a file has what people see.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    texts: frozenset[str] = frozenset()
    header: Sequence[str] = ()
    values: Sequence[Sequence[object]] = ()


@dataclass(frozen=True)
class Key:
    """One entry of a legend: the mark's name and classes, drawn as it is in the chart."""

    label: str
    classes: str
    shape: str = "path"  # or circle


class Figure(Markup):
    """The drawn figure, ready for a page. It keeps its numbers, for the file that it links to."""

    name: str
    data: Data

    def csv(self) -> tuple[Sequence[str], Sequence[Sequence[object]]]:
        """Header and rows, as ``app.core.lists.csv_file`` takes them."""
        data = self.data
        return (data.header, data.values) if data.header else (data.columns, data.rows)


def figure(
    name: str, words: Words, drawing: Markup, data: Data, keys: Sequence[Key] = (), csv_url: str = ""
) -> Figure:
    """``name`` is unique on the page. ``csv_url`` is where the page gives what ``csv()`` says."""
    return figure_of(name, words, _legend(keys) + drawing + _details(words.title, data, csv_url), data)


def figure_of(name: str, words: Words, content: Markup, data: Data) -> Figure:
    """For a figure that is a table already."""
    caption = mark("figcaption", mark("strong", words.finding) + mark("span", words.how))
    drawn = Figure(mark("figure", caption + content, class_="fig", id=f"fig-{name}"))
    drawn.name, drawn.data = name, data
    return drawn


def csv_link(title: str, csv_url: str) -> Markup:
    """Named after the figure: a page has several."""
    if not csv_url:
        return Markup()
    link = mark("a", "CSV", href=csv_url, download="", aria_label=f"CSV: {title}")
    return mark("p", link, class_="hint")


def chart(name: str, words: Words, margins: str, height: float, marks: Iterable[Markup]) -> Markup:
    named = f"c-{name}-t c-{name}-d"
    title = mark("title", words.title, id=f"c-{name}-t")
    description = mark("desc", words.description, id=f"c-{name}-d")
    content = title + description + join(marks)
    return mark(
        "svg",
        content,
        class_=f"chart {margins}",
        role="img",
        aria_labelledby=named,
        height=str(round(height)),
    )


def table(caption: str, data: Data) -> Markup:
    heads = join(
        mark("th", name, scope="col", class_=None if name in data.texts else "num") for name in data.columns
    )
    rows = join(mark("tr", _cells(data, row)) for row in data.rows)
    head = mark("thead", mark("tr", heads))
    content = mark("caption", caption, class_="vh") + head + mark("tbody", rows)
    return mark("table", content, class_="t compact")


def _cells(data: Data, row: Sequence[str]) -> Markup:
    pairs = zip(data.columns, row, strict=True)
    return join(mark("td", cell, class_=None if name in data.texts else "num") for name, cell in pairs)


def _details(caption: str, data: Data, csv_url: str) -> Markup:
    box = mark(
        "div",
        table(caption, data),
        class_="scroll",
        tabindex="0",
        role="group",
        aria_label=f"Data of the chart: {caption}",
    )
    return mark("details", mark("summary", "Data table") + box + csv_link(caption, csv_url))


def _legend(keys: Sequence[Key]) -> Markup:
    entries = join(mark("span", _swatch(key) + key.label) for key in keys)
    return mark("p", entries, class_="key") if keys else entries


def _swatch(key: Key) -> Markup:
    if key.shape == "circle":
        drawn = mark("circle", class_=key.classes, cx=9, cy=4, r=4)
    elif key.shape == "rect":
        drawn = mark("rect", class_=key.classes, width=18, height=8, rx=2)
    else:
        drawn = mark("path", class_=key.classes, d="M0 4h18")
    return mark("svg", drawn, aria_hidden="true")
