"""The confusion matrix as a table: its cells are the marks, so it needs no second table."""

from collections.abc import Sequence

from markupsafe import Markup

from app.charts.bars import SENTIMENT
from app.charts.figure import Data, Figure, Words, csv_link, figure_of
from app.charts.svg import join, mark

# Share of the row from which a cell takes the next deeper colour; right and wrong have their own.
_RIGHT = ((0.9, "y3"), (0.6, "y2"), (0.0, "y1"))
_WRONG = ((0.25, "x2"), (0.1, "x1"), (0.0, "x0"))


def confusion(
    name: str,
    words: Words,
    labels: Sequence[str],
    matrix: Sequence[Sequence[int]],
    *,
    links: Sequence[Sequence[str]] = (),
    csv_url: str = "",
) -> Figure:
    """Rows are the truth. Each cell says its count and its share of the row, and links to its reviews."""
    heads = [mark("th", head, scope="col") for head in ("truth ↓ predicted →", *labels, "n")]
    addresses = links or [[""] * len(labels) for _ in labels]
    whole = zip(labels, matrix, addresses, strict=True)
    rows = [_row(place, label, counts, links) for place, (label, counts, links) in enumerate(whole)]
    content = mark("caption", words.description, class_="vh") + mark("thead", mark("tr", join(heads)))
    table = mark("table", content + mark("tbody", join(rows)), class_="cm")
    box = mark("div", table, class_="cmwrap", tabindex="0", role="region", aria_label=words.title)
    return figure_of(name, words, box + csv_link(words.title, csv_url), _data(labels, matrix))


def _data(labels: Sequence[str], matrix: Sequence[Sequence[int]]) -> Data:
    columns = ("truth", *(f"predicted {label}" for label in labels))
    values = [(label, *counts) for label, counts in zip(labels, matrix, strict=True)]
    rows = [tuple(str(cell) for cell in row) for row in values]
    return Data(columns, rows, frozenset({"truth"}), columns, values)


def _row(place: int, label: str, counts: Sequence[int], links: Sequence[str]) -> Markup:
    total = sum(counts)
    cells = [
        _cell(count, total, column == place, link)
        for column, (count, link) in enumerate(zip(counts, links, strict=True))
    ]
    head = mark("th", _named(label), scope="row")
    return mark("tr", join([head, *cells, mark("td", f"{total:,}", class_="sum")]))


def _cell(count: int, total: int, right: bool, link: str) -> Markup:
    part = count / total if total else 0.0
    depth = next(css for least, css in (_RIGHT if right else _WRONG) if part >= least)
    shown = Markup("{:,}").format(count)
    number = mark("a", shown, href=link) if link and count else shown
    return mark("td", number + mark("small", f"{part * 100:.0f} %"), class_=depth)


def _named(label: str) -> Markup:
    colour = SENTIMENT.get(label)
    return mark("span", label, class_=f"sent {colour.removeprefix('f-')}") if colour else mark("span", label)
