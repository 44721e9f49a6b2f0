"""Marks of a chart. There is no ``viewBox``: x is in per cent of the plot, y in pixels.

So text keeps its 12 px at every width. The margins are the padding of the ``<svg>`` (classes ``p-…``), and
a text may stand in them with a negative or an overflowing x. Only lines that bend need an inner ``viewBox``.
Colours are classes, never attributes: the theme and the content security policy both ask for it.
"""

from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

Attribute = str | float | None

# In HTML only the shapes of a drawing may close themselves.
_SHAPES = frozenset({"circle", "line", "path", "rect"})
_STRETCHED: dict[str, Attribute] = {"viewBox": "0 0 1000 1000", "preserveAspectRatio": "none"}


def mark(name: str, content: object = "", **attributes: Attribute) -> Markup:
    """One element. ``class_`` is class, an underscore elsewhere a hyphen; None leaves an attribute out."""
    parts = [
        f' {_name(key)}="{escape(_value(value))}"' for key, value in attributes.items() if value is not None
    ]
    inside = escape(content)
    opened = f"<{name}{''.join(parts)}"
    closed = f"{opened}>{inside}</{name}>" if inside or name not in _SHAPES else f"{opened}/>"
    return Markup(closed)  # noqa: S704 - everything in it was escaped above


def join(marks: Iterable[Markup]) -> Markup:
    return Markup("").join(marks)


def text(
    content: object, x: Attribute, y: float, class_: str | None = None, dx: float | None = None
) -> Markup:
    return mark("text", content, class_=class_, x=x, dx=dx, y=y)


def path(points: Sequence[tuple[float, float]], class_: str) -> Markup:
    """A bent line; x and y are shares of the plot's width and height, measured from the top left."""
    steps = "L".join(f"{_short(x * 1000)} {_short(y * 1000)}" for x, y in points)
    return mark("path", class_=class_, d=f"M{steps}")


def stretched(height: float, marks: Iterable[Markup]) -> Markup:
    """The inner drawing that is stretched to the plot; strokes keep their width."""
    inner = join(marks)
    return mark("svg", inner, width="100%", height=height, **_STRETCHED) if inner else inner


def stretched_alone(said: str, drawn: Markup) -> Markup:
    """The same in a cell of a table, named by ``said``."""
    return mark("svg", drawn, class_="spark", role="img", aria_label=said, **_STRETCHED)


def share(value: float) -> str:
    """An x for a share of the plot's width."""
    return f"{_short(value * 100)}%"


def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _value(value: str | float | None) -> str:
    return value if isinstance(value, str) else _short(value or 0)


def _short(value: float) -> str:
    return f"{round(value, 1):g}"
