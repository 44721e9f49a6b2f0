"""A version's evaluation in words for somebody who decides but does not train models.

Counts of a hundred or a thousand instead of shares, ranges instead of intervals, and "may be chance"
wherever the numbers leave it open.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.registry.comparison import Changes, Comparison
from app.registry.risks import Risk, metric_at, recall_of, risks, weak_parts
from app.registry.tables import ModelVersion
from ml.data.labels import BY_RATING, display_name
from ml.evaluation.proportion import wilson_bounds

ENOUGH = 0.7  # an answer less sure than this is for a person
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
    fewer_is_better: bool = False
    chance: bool = False  # the change may come from chance alone


@dataclass(frozen=True)
class Briefing:
    verdict: Verdict
    figures: Sequence[Figure]
    risks: Sequence[Risk]


def brief(
    version: ModelVersion,
    today: ModelVersion | None,
    comparison: Comparison | None,
    whole: Mapping[str, Any] | None = None,
    before: Mapping[str, Any] | None = None,
) -> Briefing:
    """``whole`` is the entire evaluation of the version, ``before`` that of today’s model."""
    changes = comparison.changes if comparison else None
    entire = whole or version.evaluation
    last = _to_read(entire, before) or _mean(version, today)
    return Briefing(
        _verdict(version, today, changes),
        [*_figures(version, today, changes), last],
        [*risks(version, today, compared=changes is not None), *weak_parts(entire)],
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
    change = metric_at(version.evaluation, "difference", "accuracy")
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
        paired = metric_at(version.evaluation, "difference", "accuracy")
    label = key_label(version)
    shown = display_name(label, version.labels)
    unhappy = label == BY_RATING[0] and tuple(version.labels) == BY_RATING
    recognised = "Unhappy customers recognised" if unhappy else f"Reviews of kind “{shown}” recognised"
    return [
        _figure("Reviews read correctly", 1000, version, today, ("accuracy",), paired),
        _figure(recognised, 100, version, today, ("per_class", label, "recall"), None),
    ]


def _mean(version: ModelVersion, today: ModelVersion | None) -> Figure:
    change = metric_at(version.evaluation, "difference", "macro_f1") if today is None else None
    return _figure("Score, every kind counted alike", 100, version, today, ("macro_f1",), change)


def _to_read(whole: Mapping[str, Any], before: Mapping[str, Any] | None) -> Figure | None:
    """How many answers are less sure than the threshold; with none measured, None."""
    share = _unsure(whole)
    if share is None:
        return None
    low, high = (round(end * 100) for end in wilson_bounds(share, max(1, int(whole["n"]))))
    earlier = _unsure(before) if before else None
    change = round(share * 100) - round(earlier * 100) if earlier is not None else None
    chance = earlier is not None and low <= round(earlier * 100) <= high
    sure = f"those it is less than {ENOUGH * 100:.0f} % sure of"
    return Figure(
        "Reviews a person must read",
        round(share * 100),
        100,
        f"today {earlier * 100:.0f}" if earlier is not None else "",
        change,
        f"likely between {low} and {high}{'; the difference may be chance' if chance else ''}; {sure}",
        fewer_is_better=True,
        chance=chance,
    )


def _unsure(evaluation: Mapping[str, Any]) -> float | None:
    at = (row["answered"] for row in evaluation.get("coverage") or () if row["threshold"] == ENOUGH)
    answered = next(at, None)
    return None if answered is None else 1 - float(answered)


def key_label(version: ModelVersion) -> str:
    """The class the approver asks about: the unhappy customers, else the one recognised least."""
    if tuple(version.labels) == BY_RATING:
        return BY_RATING[0]
    return str(min(version.labels, key=lambda label: recall_of(version, label)))


def _figure(
    title: str,
    whole: int,
    version: ModelVersion,
    today: ModelVersion | None,
    path: tuple[str, ...],
    paired: Mapping[str, Any] | None,
) -> Figure:
    mine = metric_at(version.evaluation, "metrics", *path) or {"value": 0.0, "low": 0.0, "high": 1.0}
    source = (today.evaluation, "metrics") if today else (version.evaluation, "baseline")
    theirs = metric_at(source[0], source[1], *path)
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
        chance=paired["low"] <= 0 <= paired["high"] if paired else _overlap(mine, theirs),
    )


def _overlap(mine: Mapping[str, Any], theirs: Mapping[str, Any] | None) -> bool:
    return bool(theirs and mine["low"] <= theirs["high"] and theirs["low"] <= mine["high"])


def _alone(mine: Mapping[str, Any], theirs: Mapping[str, Any] | None, whole: int) -> str:
    """Without a paired test: the range of this number, and whether the other's reaches into it."""
    text = f"likely between {round(mine['low'] * whole)} and {round(mine['high'] * whole)}"
    return f"{text}; the difference may be chance" if _overlap(mine, theirs) else text
