"""Which side of the split a review stands on.

By default a hash of the normalised text and the seed decides. So a review keeps its side when the data
set grows, and one text (repeated, or differing in case and spaces) never stands on two sides. ``labs``
splits as the course's labs did: complete rows only, balanced first, then stratified at random.
"""

import hashlib
import math
import re
import unicodedata
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.contract.outcome import StepRefused

UNUSED, TRAIN, VALIDATION, TEST = -1, 0, 1, 2
PARTS = {"train": TRAIN, "validation": VALIDATION, "test": TEST}
_SPACES = re.compile(r"\s+")

Sides = npt.NDArray[np.int8]
Labels = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Shares:
    train: float
    validation: float
    test: float

    def __post_init__(self) -> None:
        parts = (self.train, self.validation, self.test)
        if min(parts) <= 0 or not math.isclose(sum(parts), 1, abs_tol=1e-6):
            raise StepRefused(
                f"The split percentages {', '.join(f'{part:g}' for part in parts)} don't add up to 1.",
                "Set train, validation and test percentages above 0 whose sum is 1, such as 0.9, 0.05, 0.05.",
            )


def normalised(text: str) -> str:
    return _SPACES.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def text_hash(text: str, seed: int, purpose: str) -> int:
    """64 bits that depend on nothing but their arguments, on any machine and in any order of rows."""
    key = f"{purpose}:{seed}".encode()
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8, key=key).digest(), "big")


def hash_sides(hashes: npt.NDArray[np.uint64], shares: Shares) -> Sides:
    position = hashes / 2.0**64
    sides = np.full(len(hashes), TEST, dtype=np.int8)
    sides[position < shares.train + shares.validation] = VALIDATION
    sides[position < shares.train] = TRAIN
    return sides


def labs_sides(labels: Labels, complete: npt.NDArray[np.bool_], shares: Shares, seed: int) -> Sides:
    """The labs' order of things, with a seed: drop incomplete rows, balance, then split stratified."""
    generator = np.random.default_rng(seed)
    sides = np.full(len(labels), UNUSED, dtype=np.int8)
    classes = [np.flatnonzero(complete & (labels == label)) for label in range(labels.max() + 1)]
    smallest = min(len(rows) for rows in classes)
    total = smallest * len(classes)
    holdout = math.ceil(total * (1 - shares.train))  # the labs' arithmetic: 5,537 / 307 / 309 of 6,153
    test = min(holdout, math.ceil(holdout * shares.test / (1 - shares.train)))
    kept = [generator.permutation(rows)[:smallest] for rows in classes]
    for rows, out, tested in zip(
        kept, _even_parts(holdout, len(classes)), _even_parts(test, len(classes)), strict=True
    ):
        sides[rows] = TRAIN
        sides[rows[:out]] = VALIDATION
        sides[rows[:tested]] = TEST
    return sides


def _even_parts(total: int, parts: int) -> list[int]:
    return [total // parts + (index < total % parts) for index in range(parts)]


def check_every_class_everywhere(sides: Sides, labels: Labels, names: tuple[str, ...]) -> None:
    for part, side in PARTS.items():
        counts = np.bincount(labels[sides == side], minlength=len(names))
        if missing := [name for name, count in zip(names, counts, strict=True) if not count]:
            raise StepRefused(
                f"The {part} part has no row of the class {', '.join(missing)}: too few rows for this split.",
                "Add rows of that class, or make the part larger with the split percentages.",
            )
