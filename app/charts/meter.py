"""A duration against the usual one: a bar with a tick where the usual one ends."""

from markupsafe import Markup

from app.charts.svg import mark, share


def against(said: str, value: float, usual: float, longest: float, *, running: bool = False) -> Markup:
    """``longest`` is the whole width, the same for all rows of a list. ``said`` is the bar's name."""
    width, tick = min(1.0, value / longest), share(min(1.0, usual / longest))
    marks = (
        mark("rect", class_="f-track", width="100%", height=6),
        mark("rect", class_="f-run" if running else "f-soft", width=share(width), height=6),
        mark("line", class_="tick", x1=tick, x2=tick, y1=-2, y2=8),
    )
    return mark("svg", Markup("").join(marks), class_="meter", role="img", aria_label=said)
