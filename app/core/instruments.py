"""What one process counts while it works: requests, predictions, and how late its event loop is.

One set an application, never a module's global: two applications in one process keep two sets. What can be
read from the database is not counted here, see app.monitoring.
"""

import time
from collections import deque
from dataclasses import dataclass, field

from fastapi import Request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# A page should take 50 ms, an upload may take minutes.
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
LAG_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
MINUTES = 60
TIMES = 1000


@dataclass
class Lately:
    """The last hour by minute, and the newest times: what the system page shows without a server of metrics.

    Written on the event loop only, so it needs no lock.
    """

    minutes: deque[list[int]] = field(default_factory=lambda: deque(maxlen=MINUTES))
    milliseconds: deque[float] = field(default_factory=lambda: deque(maxlen=TIMES))

    def note(self, seconds: float, now: float) -> None:
        minute = int(now // 60)
        if not self.minutes or self.minutes[-1][0] != minute:
            self.minutes.append([minute, 0])
        self.minutes[-1][1] += 1
        self.milliseconds.append(seconds * 1000)

    def a_minute(self, now: float) -> list[tuple[int, int]]:
        """How many minutes ago, and the requests in it; the present minute is 0."""
        present = int(now // 60)
        return [(present - minute, count) for minute, count in self.minutes if present - minute < MINUTES]

    def percentile(self, share: float) -> float | None:
        ranked = sorted(self.milliseconds)
        return ranked[min(len(ranked) - 1, int(share * len(ranked)))] if ranked else None


class Instruments:
    """Written from the event loop; ``registry`` may be read from any thread."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.started_at = time.time()
        self.lately = Lately()
        self.requests = Counter(
            "fittingroom_http_requests",
            "Requests that were answered, by the template of their route.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "fittingroom_http_request_seconds",
            "How long answers took to their last byte, event streams left out.",
            ["method", "route"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self.underway = Gauge(
            "fittingroom_http_requests_underway",
            "Requests that are being answered, event streams among them.",
            registry=self.registry,
        )
        self.predictions = Counter(
            "fittingroom_predictions",
            "Requests for predictions of a loaded version; status is answered or refused.",
            ["endpoint", "version", "status"],
            registry=self.registry,
        )
        self.reviews = Counter(
            "fittingroom_predicted_reviews",
            "Reviews that were answered.",
            ["endpoint", "version"],
            registry=self.registry,
        )
        self.prediction_seconds = Histogram(
            "fittingroom_prediction_seconds",
            "How long answered requests for predictions took, the waiting included.",
            ["endpoint", "version"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self.lag = Histogram(
            "fittingroom_event_loop_lag_seconds",
            "How much later than asked the event loop came back to a sleeper.",
            buckets=LAG_SECONDS,
            registry=self.registry,
        )

    def predicted(self, endpoint: str, version: str, reviews: int, seconds: float | None) -> None:
        """``seconds`` is None where the request was refused."""
        status = "refused" if seconds is None else "answered"
        self.predictions.labels(endpoint, version, status).inc()
        if seconds is not None:
            self.reviews.labels(endpoint, version).inc(reviews)
            self.prediction_seconds.labels(endpoint, version).observe(seconds)


def instruments_of(request: Request) -> Instruments:
    instruments: Instruments = request.app.state.instruments
    return instruments
