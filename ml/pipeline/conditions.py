"""Deciding a gate: numbers out of JSON documents against thresholds, with the reasons in words."""

import json
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ml.pipeline.definition import Comparison

_HOLDS: Mapping[Comparison, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
}
_FAILS_IN_WORDS: Mapping[Comparison, str] = {
    ">=": "is below",
    ">": "is not above",
    "<=": "is above",
    "<": "is not below",
}


class PropertyMissing(LookupError):
    """The document has no number at that path."""


@dataclass(frozen=True)
class Check:
    """One condition with both its sides known."""

    label: str
    value: float
    comparison: Comparison
    threshold: float

    @property
    def passed(self) -> bool:
        # Comparing anything with NaN is false, so a metric that is no number never opens a gate.
        return _HOLDS[self.comparison](self.value, self.threshold)

    @property
    def reason(self) -> str:
        if math.isnan(self.value):
            return f"{self.label} is not a number"
        value, threshold = _apart(self.value, self.threshold)
        return f"{self.label} {value} {_FAILS_IN_WORDS[self.comparison]} {threshold}"


def read_property(document: bytes, path: str) -> float:
    """The number at a dotted path: ``metrics.accuracy.value``."""
    value: object = json.loads(document)
    for part in path.split("."):
        if not isinstance(value, dict) or part not in value:
            raise PropertyMissing(path)
        value = value[part]
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PropertyMissing(path)
    return float(value)


def verdict(checks: Sequence[Check]) -> dict[str, object]:
    """The gate's result as it is stored and shown."""
    return {
        "passed": all(check.passed for check in checks),
        "reasons": [check.reason for check in checks if not check.passed],
        "checks": [
            {
                "label": check.label,
                "value": None if math.isnan(check.value) else check.value,
                "comparison": check.comparison,
                "threshold": check.threshold,
                "passed": check.passed,
            }
            for check in checks
        ],
    }


def _apart(left: float, right: float) -> tuple[str, str]:
    """Both with as few digits as keep them apart: never "0.33 is below 0.33"."""
    for digits in range(4, 17):
        texts = f"{left:.{digits}g}", f"{right:.{digits}g}"
        if texts[0] != texts[1]:
            return texts
    return repr(left), repr(right)
