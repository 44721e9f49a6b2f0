"""A version that is loaded: one thread that computes, and a bounded number of callers that wait for it.

Predictions never share the web's thread pool: as ordinary routes they had half the throughput, and slow
pages. The waiting is bounded in reviews, not requests, since 64 long reviews take seconds.
"""

import asyncio
import math
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from app.core.errors import TooMany
from app.core.services import Services
from app.endpoints.queries import Placed
from app.registry import approval
from ml.contract.faults import faultpoint
from ml.serving.predictor import Prediction, Predictor, ReviewInput

WAITING_LIMIT = 128  # reviews; at 20 ms each the last one waits under three seconds
FIRST_GUESS_SECONDS = 0.02


class EndpointBusy(TooMany):
    title = "The endpoint is busy"


@dataclass(frozen=True)
class Serves:
    """What a page or an answer says about the version that answers."""

    endpoint: str
    deployment_id: str
    version_id: str
    model: str
    number: int
    fields: tuple[str, ...]
    labels: tuple[str, ...]
    where: str = ""  # empty: this web process


class Loaded:
    """``predict`` is the only way in. The queue is counted on the event loop, so it needs no lock."""

    def __init__(self, serves: Serves, predictor: Predictor) -> None:
        self.serves = serves
        self._predictor = predictor
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=f"predict-{serves.endpoint}")
        self._waiting = 0
        self._seconds_each = FIRST_GUESS_SECONDS

    @property
    def waiting(self) -> int:
        """Reviews that wait or are being read."""
        return self._waiting

    def admit(self, count: int = 1) -> None:
        """Refuse now what would wait too long. Called before the body is read, and again with the count."""
        if self._waiting and self._waiting + count > WAITING_LIMIT:
            seconds = max(1, math.ceil(self._waiting * self._seconds_each))
            raise EndpointBusy(
                f"{self._waiting} reviews wait for {self.serves.endpoint} already.",
                f"Try again in {seconds} s, or send fewer at a time.",
                retry_after=seconds,
            )

    async def predict(self, inputs: Sequence[ReviewInput]) -> list[Prediction]:
        self.admit(len(inputs))
        self._waiting += len(inputs)
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._executor, self._compute, inputs)
        finally:
            self._waiting -= len(inputs)

    def _compute(self, inputs: Sequence[ReviewInput]) -> list[Prediction]:
        started = time.perf_counter()
        predictions = self._predictor.predict(inputs)
        each = (time.perf_counter() - started) / len(inputs)
        self._seconds_each += 0.2 * (each - self._seconds_each)
        return predictions

    def retire(self) -> None:
        """Calls that are already queued are still answered."""
        self._executor.shutdown(wait=False)


def load(services: Services, placed: Placed) -> Loaded:
    """Read each model file again, lay them out, load. Raises what keeps the version from being served."""
    tree = approval.model_files(services, placed.version)
    # The predictor keeps everything in memory, so the directory of links is needed only while it loads; not
    # in the home, which whoever only predicts may read and not write.
    with tempfile.TemporaryDirectory(prefix=f"{placed.version.id}-") as directory:
        for file in tree.files:
            target = Path(directory, file.path)
            target.parent.mkdir(parents=True, exist_ok=True)
            faultpoint("serving.link")
            target.symlink_to(services.storage.local_path(file.sha256))
        predictor = Predictor.load(Path(directory))
    return Loaded(serves_of(placed), predictor)


def serves_of(placed: Placed, where: str = "") -> Serves:
    version = placed.version
    return Serves(
        placed.endpoint.name,
        placed.deployment.id,
        version.id,
        placed.model.name,
        version.number,
        tuple(version.fields),
        tuple(version.labels),
        where,
    )
