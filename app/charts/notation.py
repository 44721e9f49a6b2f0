"""Numbers as the pages write them: ``.859``, ``+.032``, ``.837–.879``. A dash stands for "none"."""

NONE = "–"
MINUS = "−"


def score(value: float | None, digits: int = 3) -> str:
    """A share or a score, without the zero before the point that every one of them would carry."""
    if value is None:
        return NONE
    text = f"{abs(value):.{digits}f}"
    shown = text[1:] if text.startswith("0.") else text
    return MINUS + shown if value < 0 and float(text) else shown


def signed(value: float | None, digits: int = 3) -> str:
    """A difference: its sign is always there, but zero has none."""
    if value is None:
        return NONE
    shown = score(value, digits)
    return shown if shown.startswith(MINUS) or not float(f"{value:.{digits}f}") else "+" + shown


def interval(low: float | None, high: float | None, digits: int = 3) -> str:
    if low is None or high is None:
        return NONE
    return f"{score(low, digits)}–{score(high, digits)}"


def signed_interval(low: float | None, high: float | None, digits: int = 3) -> str:
    """Of a difference; "to", because a dash before a minus can't be read."""
    if low is None or high is None:
        return NONE
    return f"{signed(low, digits)} to {signed(high, digits)}"


def plain(value: float) -> str:
    """As short as the number allows: ``5e-05``, ``128``, ``0.25``."""
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) < 1e12 else f"{value:.4g}"
