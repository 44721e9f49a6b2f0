"""A version's evaluation in words for somebody who decides but does not train models.

Counts of a hundred or a thousand instead of shares, ranges instead of intervals, and "may be chance"
wherever the numbers leave it open.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.registry.comparison import Changes, Comparison
from app.registry.tables import ModelVersion
from ml.data.labels import BY_RATING, display_name

FEW = 30  # under this many reviews of a kind nothing is said about it
HARD = 0.6
OFF = 0.05
BASELINE = "word counting"


@dataclass(frozen=True)
class Verdict:
    sentence: str
    more: str


@dataclass(frozen=True)
class Figure:
    """``value`` of ``whole``. ``change`` against ``reference``; ``range`` says in words how sure it is."""

    title: str
    value: int
    whole: int
    reference: str
    change: int | None
    range: str


@dataclass(frozen=True)
class Risk:
    title: str
    text: str


@dataclass(frozen=True)
class Briefing:
    verdict: Verdict
    figures: Sequence[Figure]
    risks: Sequence[Risk]


def brief(version: ModelVersion, today: ModelVersion | None, comparison: Comparison) -> Briefing:
    changes = comparison.changes
    return Briefing(
        _verdict(version, today, changes), _figures(version, today, changes), _risks(version, today, changes)
    )


def _verdict(version: ModelVersion, today: ModelVersion | None, changes: Changes | None) -> Verdict:
    if today is None:
        return _against_baseline(version)
    if changes is None:
        return Verdict(
            "The two can’t be compared review by review.",
            f"v{version.number} and v{today.number}, today’s model, were tested on different reviews. "
            "The numbers below stand beside each other, no more.",
        )
    counted = (
        f"Of {changes.n:,} reviews it has never seen, v{version.number} puts {changes.gained:,} right that "
        f"v{today.number} got wrong, and {changes.lost:,} wrong that v{today.number} got right."
    )
    return Verdict(f"{_answer(changes.low, changes.high, 'today’s model')} {counted}", _by_chance(changes))


def _against_baseline(version: ModelVersion) -> Verdict:
    change = _of(version.evaluation, "difference", "accuracy")
    first = "No version of this model is in service yet, so it is compared with plain word counting."
    if change is None:
        return Verdict("There is nothing to compare it with.", first)
    answer = _answer(change["low"], change["high"], "plain word counting")
    return Verdict(answer, f"{first} {_more(change, 1000, 'reviews of 1,000 read correctly')}.")


def _answer(low: float, high: float, than: str) -> str:
    if low > 0:
        return f"Yes, it is better than {than}."
    if high < 0:
        return f"No, it is worse than {than}."
    return f"It can’t be told apart from {than}: the difference may be chance."


def _by_chance(changes: Changes) -> str:
    if changes.gained == changes.lost:
        return "As many answers became right as became wrong."
    times = round(changes.chance * 100)
    often = "less than once" if times < 1 else f"about {times} times" if times > 1 else "about once"
    return f"A difference this large would appear by chance {often} in 100."


def _more(change: Mapping[str, Any], whole: int, what: str) -> str:
    count: int = round(change["value"] * whole)
    word = "more" if count >= 0 else "fewer"
    return f"{abs(count)} {word} {what}, {_range(change['low'], change['high'], whole)}"


def _range(low: float, high: float, whole: int) -> str:
    """``likely between 2 and 28 more``, ``between 1 fewer and 14 more: may be chance``."""
    least, most = round(low * whole), round(high * whole)
    if low > 0:
        return f"likely between {least} and {most} more"
    if high < 0:
        return f"likely between {-most} and {-least} fewer"
    return f"between {_signed(least)} and {_signed(most)}: may be chance"


def _signed(count: int) -> str:
    return f"{-count} fewer" if count < 0 else f"{count} more"


def _figures(version: ModelVersion, today: ModelVersion | None, changes: Changes | None) -> list[Figure]:
    paired = {"low": changes.low, "high": changes.high} if changes else None
    if today is None:
        paired = _of(version.evaluation, "difference", "accuracy")
    label = key_label(version)
    shown = display_name(label, version.labels)
    unhappy = label == BY_RATING[0] and tuple(version.labels) == BY_RATING
    recognised = "Unhappy customers recognised" if unhappy else f"Reviews of kind “{shown}” recognised"
    mean_change = _of(version.evaluation, "difference", "macro_f1") if today is None else None
    return [
        _figure("Reviews read correctly", 1000, version, today, ("accuracy",), paired),
        _figure(recognised, 100, version, today, ("per_class", label, "recall"), None),
        _figure("Score, every kind counted alike", 100, version, today, ("macro_f1",), mean_change),
    ]


def key_label(version: ModelVersion) -> str:
    """The class the approver asks about: the unhappy customers, else the one recognised least."""
    if tuple(version.labels) == BY_RATING:
        return BY_RATING[0]
    return str(min(version.labels, key=lambda label: _value(version, label)))


def _value(version: ModelVersion, label: str) -> float:
    found = _of(version.evaluation, "metrics", "per_class", label, "recall")
    return float(found["value"]) if found else 1.0


def _figure(
    title: str,
    whole: int,
    version: ModelVersion,
    today: ModelVersion | None,
    path: tuple[str, ...],
    paired: Mapping[str, Any] | None,
) -> Figure:
    mine = _of(version.evaluation, "metrics", *path) or {"value": 0.0, "low": 0.0, "high": 1.0}
    source = (today.evaluation, "metrics") if today else (version.evaluation, "baseline")
    theirs = _of(source[0], source[1], *path)
    value = round(mine["value"] * whole)
    other = round(theirs["value"] * whole) if theirs else None
    name = "today" if today else BASELINE
    return Figure(
        title,
        value,
        whole,
        f"{name} {other:,}" if other is not None else "",
        value - other if other is not None else None,
        _range(paired["low"], paired["high"], whole) if paired else _alone(mine, theirs, whole),
    )


def _alone(mine: Mapping[str, Any], theirs: Mapping[str, Any] | None, whole: int) -> str:
    """Without a paired test: the range of this number, and whether the other's reaches into it."""
    text = f"likely between {round(mine['low'] * whole)} and {round(mine['high'] * whole)}"
    if theirs and mine["low"] <= theirs["high"] and theirs["low"] <= mine["high"]:
        return f"{text}; the difference may be chance"
    return text


def _risks(version: ModelVersion, today: ModelVersion | None, changes: Changes | None) -> list[Risk]:
    found = [
        _hard_class(version, today),
        _cut_off(version),
        _overconfident(version),
        _too_few(version),
        _not_better(version) if today is not None else None,
        _worse_somewhere(version, today) if changes else None,
    ]
    return [risk for risk in found if risk]


def _hard_class(version: ModelVersion, today: ModelVersion | None) -> Risk | None:
    label = min(version.labels, key=lambda each: _value(version, each))
    share = _value(version, label)
    if share >= HARD:
        return None
    before = f" (v{today.number}: {_value(today, label) * 100:.0f})" if today else ""
    name = display_name(label, version.labels).capitalize()
    return Risk(f"“{name}” stays hard", f"It recognises {share * 100:.0f} of 100 such reviews{before}.")


def _cut_off(version: ModelVersion) -> Risk | None:
    cut = version.evaluation.get("truncated") or {}
    if not cut.get("rows"):
        return None
    return Risk(
        f"{cut['share'] * 100:.1f} % of the test reviews are cut",
        f"{cut['rows']:,} are longer than {cut['limit']} tokens; the end of the text isn’t read.",
    )


def _overconfident(version: ModelVersion) -> Risk | None:
    error = _of(version.evaluation, "metrics", "ece")
    if error is None or error["value"] < OFF:
        return None
    return Risk(
        "Its stated certainty is off",
        f"By {error['value'] * 100:.0f} points of 100 on average: “90 % sure” isn’t right 90 times in 100.",
    )


def _too_few(version: ModelVersion) -> Risk | None:
    per_class = version.evaluation.get("metrics", {}).get("per_class", {})
    few = [label for label, row in per_class.items() if row.get("support", FEW) < FEW]
    if not few:
        return None
    names = ", ".join(display_name(label, version.labels) for label in few[:5])
    return Risk(f"Too few to judge: {names}", f"Fewer than {FEW} test reviews of such a kind.")


def _not_better(version: ModelVersion) -> Risk | None:
    change = _of(version.evaluation, "difference", "macro_f1")
    if change is None or change["low"] > 0:
        return None
    return Risk(
        "Not clearly better than plain word counting",
        "With every kind counted alike, the difference from the simple method may be chance.",
    )


def _worse_somewhere(version: ModelVersion, today: ModelVersion | None) -> Risk | None:
    if today is None:
        return None
    fell = [label for label in version.labels if _value(version, label) < _value(today, label) - 0.05]
    if not fell:
        return None
    names = ", ".join(f"“{display_name(label, version.labels)}”" for label in fell[:5])
    return Risk(f"Recognises fewer of {names}", "More than 5 of 100 fewer than today’s model.")


def _of(evaluation: Mapping[str, Any], *path: str) -> dict[str, Any] | None:
    """The entry at a path of the evaluation, or None where it stops short."""
    found: Any = evaluation
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, dict) and "value" in found else None
