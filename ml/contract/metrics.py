"""The one grammar of the lines by which a step reports numbers and progress on its standard output.

``[metric] step=120 train_loss=0.5321 val_accuracy=0.8123``
``[progress] done=120 total=957 phase="epoch 2 of 3"``

The same lines feed the run page here and SageMaker's metric definitions in the cloud (by regex).
"""

import json
import math
import re
from dataclasses import dataclass

NAME = r"[a-zA-Z_][a-zA-Z0-9_]*"
NUMBER = r"[-+]?(?:[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)"
_METRIC = re.compile(rf"^\[metric\] step=([0-9]+)((?: {NAME}={NUMBER})+)\s*$")
_PAIR = re.compile(rf"({NAME})=({NUMBER})")
_PROGRESS = re.compile(r"^\[progress\] done=([0-9]+) total=([0-9]+) phase=(\".*\")\s*$")


@dataclass(frozen=True)
class MetricLine:
    step: int
    values: dict[str, float]


@dataclass(frozen=True)
class ProgressLine:
    """``total`` is 0 while it is unknown."""

    done: int
    total: int
    phase: str


def report_metrics(step: int, **values: float) -> None:
    """Print one metric line. Non-finite numbers are left out: no chart or database takes them."""
    finite = {name: value for name, value in values.items() if math.isfinite(value)}
    if finite:
        pairs = " ".join(f"{name}={value:.6g}" for name, value in finite.items())
        print(f"[metric] step={step} {pairs}", flush=True)  # noqa: T201


def report_progress(done: int, total: int, phase: str) -> None:
    print(f"[progress] done={done} total={total} phase={json.dumps(phase)}", flush=True)  # noqa: T201


def parse_line(line: str) -> MetricLine | ProgressLine | None:
    """What a log line reports, or None for any other line."""
    if line.startswith("[metric] ") and (match := _METRIC.match(line)):
        pairs = _PAIR.findall(match[2])
        values = {name: float(number) for name, number in pairs}
        return MetricLine(int(match[1]), {n: v for n, v in values.items() if math.isfinite(v)})
    if line.startswith("[progress] ") and (match := _PROGRESS.match(line)):
        try:
            phase = json.loads(match[3])
        except ValueError:
            return None
        return ProgressLine(int(match[1]), int(match[2]), phase)
    return None
