"""What an endpoint was asked since this web process began to serve it: counts, times and callers' names.

Kept in memory and never the texts. It answers "is it used, by whom, how fast" until monitoring does.
"""

import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

TIMES = 1000  # the newest requests; what the percentiles are of


@dataclass
class Traffic:
    """Written on the event loop only, so it needs no lock. ``refused`` is part of ``requests``."""

    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    requests: int = 0
    reviews: int = 0
    refused: int = 0
    callers: Counter[str] = field(default_factory=Counter)
    milliseconds: deque[float] = field(default_factory=lambda: deque(maxlen=TIMES))

    @contextmanager
    def request(self, caller: str, reviews: int) -> Iterator[None]:
        """Around one request; whatever is raised in it counts as refused, and its time is not kept."""
        started = time.perf_counter()
        answered = False
        try:
            yield
            answered = True
            self.reviews += reviews
            self.milliseconds.append((time.perf_counter() - started) * 1000)
        finally:
            self.requests += 1
            self.refused += not answered
            self.callers[caller] += 1

    def percentile(self, share: float) -> float | None:
        """The nearest rank among the newest answers, or None before the first one."""
        if not self.milliseconds:
            return None
        ranked = sorted(self.milliseconds)
        return ranked[min(len(ranked) - 1, int(share * len(ranked)))]
