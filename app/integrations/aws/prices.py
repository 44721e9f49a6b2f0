"""What an instance costs by the hour. AWS has no list that could be asked without an account of its own, so
a dated file comes with the product and an administrator corrects it; what neither knows is unknown."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from app.core.work import Work
from app.integrations.aws import queries

FILE = Path(__file__).with_name("prices.csv")
Usage = Literal["processing", "training", "hosting"]
USAGES: tuple[Usage, ...] = get_args(Usage)


@dataclass(frozen=True)
class Price:
    region: str
    instance_type: str
    usage: str
    dollars_per_hour: float
    as_of: date
    source: str

    def cost(self, seconds: float, instances: int = 1) -> float:
        """In dollars. SageMaker bills by the second."""
        return self.dollars_per_hour * instances * seconds / 3600


def price_of(work: Work, region: str, instance_type: str, usage: Usage) -> Price | None:
    """An administrator's own stands above the file's, also where it says that nobody knows."""
    own = queries.price(work.session, region, instance_type, usage)
    if own is None:
        return shipped().get((region, instance_type, usage))
    if own.dollars_per_hour is None:
        return None
    return Price(region, instance_type, usage, own.dollars_per_hour, own.as_of, own.source)


@cache
def shipped() -> Mapping[tuple[str, str, str], Price]:
    """The file's prices, by region, instance type and usage."""
    with FILE.open(newline="", encoding="utf-8") as file:
        prices = [_price(row) for row in csv.DictReader(file)]
    return {(each.region, each.instance_type, each.usage): each for each in prices}


def _price(row: Mapping[str, str]) -> Price:
    return Price(
        row["region"],
        row["instance_type"],
        row["usage"],
        float(row["dollars_per_hour"]),
        date.fromisoformat(row["as_of"]),
        row["source"],
    )
