"""Addresses within the product: everything that a list is narrowed to stands in its query."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode


@dataclass(frozen=True)
class Tab:
    """One of the parts that a list shows above itself, with how many rows are in it."""

    word: str
    count: int
    url: str
    current: bool


def address(path: str, values: Mapping[str, object]) -> str:
    """``path`` with the values that are not empty: ``/runs?status=failed``."""
    query = urlencode({name: value for name, value in values.items() if value})
    return f"{path}?{query}" if query else path
