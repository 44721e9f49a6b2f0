"""A duration against the usual one: a bar with a tick where the usual one ends."""

from markupsafe import Markup

from app.charts.svg import join, mark, share


def against(said: str, value: float, usual: float | None, longest: float, *, running: bool = False) -> Markup:
    """``longest`` is the whole width, the same for all rows of a list. ``said`` is the bar's name."""
    colour = "f-run" if running else "f-soft"
    marks = [
        mark("rect", class_="f-track", width="100%", height=6),
        mark("rect", class_=colour, width=share(min(1.0, value / longest)), height=6),
    ]
    if usual is not None:
        tick = share(min(1.0, usual / longest))
        marks.append(mark("line", class_="tick", x1=tick, x2=tick, y1=-2, y2=8))
    return mark("svg", join(marks), class_="meter", role="img", aria_label=said)
