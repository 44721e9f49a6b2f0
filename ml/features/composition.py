"""Which fields of a review a model reads, and how they become one input.

A model version declares its input fields. Title and text go in as a pair of segments, and a review
without a title as a pair with an empty first segment: training sees such pairs too, so a prediction for
a bare text is nothing new to the model.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ml.contract.outcome import StepRefused

FIELDS = {"text": ("text",), "title_and_text": ("text", "title")}


@dataclass(frozen=True)
class ReviewInput:
    text: str
    title: str | None = None


def fields_of(choice: str) -> tuple[str, ...]:
    if choice not in FIELDS:
        raise StepRefused(f"fields is {choice!r}.", f"Set fields to one of: {', '.join(FIELDS)}.")
    return FIELDS[choice]


def compose(review: ReviewInput, fields: Sequence[str]) -> str | tuple[str, str]:
    return (review.title or "", review.text) if "title" in fields else review.text


def joined(review: ReviewInput, fields: Sequence[str]) -> str:
    """The same fields as one text, for the baseline, which knows no segments."""
    return f"{review.title or ''}\n{review.text}" if "title" in fields else review.text
