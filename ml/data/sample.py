"""A small made-up data set for a first try where no real one is at hand. Always the same rows."""

import csv
import random
from pathlib import Path

NAME = "generated sample"
ROWS = 600
SEED = 20240501

THINGS = {
    "Dresses": ("dress", "gown", "maxi dress", "wrap dress"),
    "Knits": ("sweater", "cardigan", "pullover", "knit top"),
    "Jeans": ("pair of jeans", "denim skirt", "pair of trousers"),
    "Outerwear": ("coat", "jacket", "parka", "raincoat"),
}
OPENINGS = ("I ordered this {thing} last month.", "Bought the {thing} for my sister.",
            "This {thing} came fast.", "I wore the {thing} to work.", "Just got this {thing}.")  # fmt: skip
GOOD = ("It fits perfectly and the fabric feels soft.", "I love the colour and get compliments every time.",
        "Beautiful cut, true to size.", "Very comfortable, I would buy it again.")  # fmt: skip
MIXED = ("The cut is fine, but the fabric is thin.", "It is okay, not special for the price.",
         "Nice colour, yet the sleeves are too long.", "Comfortable, though it wrinkles a lot.")  # fmt: skip
BAD = ("The seam ripped after one wash.", "It runs far too small and I returned it.",
       "The fabric is scratchy and looks cheap.",
       "Disappointed: the zipper broke on the first day.")  # fmt: skip
TITLES = {1: "Do not buy", 2: "Disappointed", 3: "Just okay", 4: "Very nice", 5: "Love it"}
SAYINGS = {1: BAD, 2: BAD, 3: MIXED, 4: GOOD, 5: GOOD}


def write_sample(path: Path) -> None:
    """600 reviews in the columns and about the balance of the real data set."""
    draw = random.Random(SEED)  # noqa: S311 - the rows must be the same every time
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["", "Title", "Review Text", "Rating", "Class Name"])
        writer.writerows(_row(number, draw) for number in range(ROWS))


def _row(number: int, draw: random.Random) -> list[object]:
    rating = draw.choices((1, 2, 3, 4, 5), (5, 8, 15, 25, 47))[0]
    category = draw.choice(sorted(THINGS))
    # One sentence in eight speaks against the rest, so that no model gets everything right.
    second = draw.choice(SAYINGS[rating] if draw.random() > 0.125 else MIXED)
    opening = draw.choice(OPENINGS).format(thing=draw.choice(THINGS[category]))
    text = f"{opening} {draw.choice(SAYINGS[rating])} {second} Order {1000 + number}."
    return [number, TITLES[rating] if draw.random() > 0.15 else "", text, rating, category]
