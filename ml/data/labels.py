"""From a star rating to a sentiment label, and how labels are ordered and named."""

import re
from collections.abc import Collection, Sequence

BY_RATING = ("-1", "0", "1")
SENTIMENT = {"-1": "negative", "0": "neutral", "1": "positive"}
MAX_CLASSES = 100
_RATING = re.compile(r"\s*([1-5])(?:\.0*)?\s*", re.ASCII)
_NUMBER = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?", re.ASCII)


def parse_rating(text: str) -> int | None:
    """A whole number of stars from 1 to 5, written ``4`` or ``4.0``; None for everything else."""
    match = _RATING.fullmatch(text)
    return int(match[1]) if match else None


def label_of_rating(rating: int) -> str:
    if rating <= 2:
        return "-1"
    return "0" if rating == 3 else "1"


def order_labels(labels: Collection[str]) -> tuple[str, ...]:
    """By number when all are numbers, else by name. Ids of classes follow this order."""
    if all(_NUMBER.fullmatch(label) for label in labels):
        return tuple(sorted(labels, key=lambda label: (float(label), label)))
    return tuple(sorted(labels))


def display_name(label: str, labels: Sequence[str]) -> str:
    """What a page shows. Only the labels made from ratings have other names than their own.

    Without "-1" they may be somebody's own 0 and 1, whose meaning we don't know.
    """
    return SENTIMENT[label] if "-1" in labels and set(labels) <= set(BY_RATING) else label
