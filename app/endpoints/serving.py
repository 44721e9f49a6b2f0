"""What this web process serves: one slot an endpoint, kept equal to what the database says is live.

It looks once a second. A slot whose deployment, approval or validity has changed is loaded anew, with
every file read again. Nobody holds a database session while a prediction is computed.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

import structlog
from fastapi import Request

from app.core.errors import Conflict, FittingRoomError, Unavailable
from app.core.instruments import Instruments
from app.core.services import Services
from app.endpoints import queries
from app.endpoints.cloud import queries as cloud_queries
from app.endpoints.cloud.queries import CloudPlace
from app.endpoints.cloud.remote import Remote, Remotes
from app.endpoints.loaded import Loaded, load, serves_of
from app.endpoints.queries import LiveMark
from app.endpoints.service import get_deployment, not_found, stopped
from app.endpoints.traffic import Traffic
from app.integrations.aws.clients import aws_of
from app.registry import approval
from app.registry.tables import ModelVersion
from ml.serving.predictor import BrokenModel

log = structlog.get_logger()

LOOK_SECONDS = 1.0
WAIT_SECONDS = 20.0
AGAIN_SECONDS = 30.0  # a file may be restored, a full disk emptied; a void version stays refused


class State(StrEnum):
    COLD = "cold"
    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"


class EndpointNotReady(Unavailable):
    title = "The endpoint is not ready"


class EndpointRefused(Conflict):
    title = "The endpoint serves no approved version"


@dataclass
class Slot:
    """``loaded`` may still be the version before, while the next one loads and where it could not be loaded.

    ``since`` is when the present state began; a deployment that loads is not yet in service.
    """

    mark: LiveMark
    state: State = State.COLD
    loaded: Loaded | None = None
    error: FittingRoomError | None = None
    failed_at: float = 0.0
    task: asyncio.Task[None] | None = None
    since: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def keeps(self) -> str | None:
        """The version that answers although another one was deployed."""
        if self.loaded is None or self.loaded.serves.version_id == self.mark.version_id:
            return None
        return self.loaded.serves.version_id

    def let_go(self) -> None:
        if self.loaded:
            self.loaded.retire()
        self.loaded = None

    @property
    def due(self) -> bool:
        """A refusal stands until the mark changes; anything else is tried again."""
        if isinstance(self.error, Conflict):
            return False
        return self.state == State.FAILED and time.monotonic() - self.failed_at > AGAIN_SECONDS


class Serving:
    """Lives on the event loop of one web process, between :meth:`start` and :meth:`close`."""

    def __init__(self, services: Services, instruments: Instruments) -> None:
        self._services = services
        self._instruments = instruments
        self._slots: dict[str, Slot] = {}
        self._traffic: dict[str, Traffic] = {}
        self._task: asyncio.Task[None] | None = None
        self._remotes = Remotes(services)
        # One look at a time: marks read before a deployment must not be acted on after it.
        self._looking = asyncio.Lock()

    def start(self) -> None:
        self._task = asyncio.create_task(self._watch())

    async def close(self) -> None:
        tasks = [self._task, *(slot.task for slot in self._slots.values())]
        running = [task for task in tasks if task and not task.done()]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        for slot in self._slots.values():
            slot.let_go()
        self._remotes.close()

    def slot(self, endpoint: str) -> Slot | None:
        return self._slots.get(endpoint)

    def traffic(self, endpoint: str) -> Traffic:
        """Counted from when it began to be served; names that nobody deployed to are counted nowhere."""
        return self._traffic.get(endpoint) or Traffic()

    @contextmanager
    def asked(self, loaded: Loaded | Remote, caller: str, reviews: int) -> Iterator[None]:
        """Around one request to a loaded version: counted for the endpoint's page and for the metrics."""
        serves, started, seconds = loaded.serves, time.perf_counter(), None
        try:
            with self.traffic(serves.endpoint).request(caller, reviews):
                yield
            seconds = time.perf_counter() - started
        finally:
            version = f"{serves.model} v{serves.number}"
            self._instruments.predicted(serves.endpoint, version, reviews, seconds)

    async def ready(self, endpoint: str) -> Loaded | Remote:
        """The loaded version, after at most ``WAIT_SECONDS``, or one on SageMaker; else why there is none."""
        slot = self._slots.get(endpoint)
        if slot is None:
            await self.look()
            slot = self._slots.get(endpoint)
        if slot is None:
            remote = await asyncio.to_thread(self._elsewhere, endpoint)
            self._traffic.setdefault(endpoint, Traffic())
            return remote
        if slot.loaded is None and slot.task:
            await asyncio.wait({slot.task}, timeout=WAIT_SECONDS)
        if slot.loaded is not None:
            return slot.loaded
        raise _refusal(endpoint, slot)

    async def settled(self, endpoint: str) -> Slot | None:
        """After a deployment: what is recorded has been loaded, or refused, in this process."""
        await self.look()
        slot = self._slots.get(endpoint)
        if slot and slot.task:
            await asyncio.wait({slot.task}, timeout=WAIT_SECONDS)
        return slot

    async def look(self) -> None:
        """Compare with the database once and begin to load whatever differs."""
        async with self._looking:
            marks, withdrawn = await asyncio.to_thread(self._marks, self._kept())
            for name, mark in marks.items():
                slot = self._slots.get(name)
                if slot and slot.keeps in withdrawn:
                    slot.let_go()
                if slot is None or slot.mark != mark or slot.due:
                    self._begin(name, mark, slot)
            for name in self._slots.keys() - marks.keys():
                self._end(name)

    async def _watch(self) -> None:
        """Goes on whatever happens: without it an approval taken back would go on being served."""
        while True:
            failed = (await asyncio.gather(self.look(), return_exceptions=True))[0]
            if failed is not None:
                log.warning("serving_look_failed", exc_info=failed)
            await asyncio.sleep(LOOK_SECONDS)

    def _kept(self) -> set[str]:
        return {slot.keeps for slot in self._slots.values() if slot.keeps}

    def _marks(self, kept: set[str]) -> tuple[dict[str, LiveMark], set[str]]:
        """What is live, and which of the versions that still answer beside it may not any more."""
        with self._services.works.reading() as work:
            marks = queries.live_marks(work.session)
            return marks, kept - queries.servable_ids(work.session, kept) if kept else set()

    def _begin(self, name: str, mark: LiveMark, before: Slot | None) -> None:
        slot = Slot(mark, State.LOADING)
        if before and before.loaded:
            # Another version may go on answering until this one is ready; a doubtful one may not.
            if before.loaded.serves.version_id != mark.version_id:
                slot.loaded = before.loaded
            else:
                before.loaded.retire()
        self._traffic.setdefault(name, Traffic())
        slot.task = asyncio.create_task(self._load(slot))
        self._slots[name] = slot

    def _end(self, name: str) -> None:
        """The endpoint was stopped; a load that is still going on finds its slot taken and ends itself."""
        slot = self._slots.pop(name)
        self._traffic.pop(name, None)
        if slot.loaded:
            slot.loaded.retire()

    async def _load(self, slot: Slot) -> None:
        outcome = (await asyncio.gather(asyncio.to_thread(self._open, slot.mark), return_exceptions=True))[0]
        if self._slots.get(slot.mark.endpoint) is not slot:
            if isinstance(outcome, Loaded):
                outcome.retire()  # a newer deployment has taken the slot, and what it answers with
            return
        if isinstance(outcome, Loaded):
            before, slot.loaded, slot.state = slot.loaded, outcome, State.READY
            if before:
                before.retire()
        elif isinstance(outcome, Exception):
            # What answered before goes on: a deployment that can't be loaded must not take the endpoint down.
            slot.state, slot.failed_at = State.FAILED, time.monotonic()
            slot.error = _as_refusal(outcome, slot.mark)
        slot.since = datetime.now(UTC)

    def _elsewhere(self, endpoint: str) -> Remote:
        """What answers on SageMaker; else why nothing does, here or there."""
        with self._services.works.reading() as work:
            found = queries.endpoint_by_name(work.session, endpoint)
            if found is None or found.deleted_at:
                raise not_found(endpoint)
            live = next(iter(queries.live(work.session, endpoint)), None)
            place = cloud_queries.place(work.session, found.id)
            if live is None:
                raise not_live_yet(place) if place and place.state != "stopped" else stopped(endpoint)
            if place is None:
                raise _not_ready(endpoint)  # it was deployed after the last look
            aws = aws_of(self._services, work)
        if refusal := refused(live.version):
            raise EndpointRefused(f"{endpoint} serves nothing: {refusal.message}", refusal.advice)
        return Remote(serves_of(live, f"SageMaker, {place.row.region}"), place.row.name, aws, self._remotes)

    def _open(self, mark: LiveMark) -> Loaded:
        with self._services.works.reading() as work:
            placed = get_deployment(work, mark.deployment_id)
        return load(self._services, placed)


def _as_refusal(error: Exception, mark: LiveMark) -> FittingRoomError:
    log.error("model_load_failed", endpoint=mark.endpoint, version=mark.version_id, exc_info=error)
    if isinstance(error, FittingRoomError):
        return error
    if isinstance(error, BrokenModel):
        return Unavailable(str(error), "Run the pipeline again.")
    return Unavailable(
        f"The model could not be loaded ({type(error).__name__}).", "The server's log says more."
    )


def _refusal(endpoint: str, slot: Slot) -> FittingRoomError:
    if slot.error is None:
        return _not_ready(endpoint)
    if isinstance(slot.error, Conflict):
        return EndpointRefused(f"{endpoint} serves nothing: {slot.error.message}", slot.error.advice)
    return EndpointNotReady(
        f"{endpoint} failed: {slot.error.message}", slot.error.advice, retry_after=int(AGAIN_SECONDS)
    )


def _not_ready(endpoint: str) -> EndpointNotReady:
    return EndpointNotReady(
        f"{endpoint} is still loading its model.", "Try again in a few seconds.", retry_after=5
    )


def not_live_yet(place: CloudPlace) -> EndpointNotReady:
    """SageMaker takes minutes, and may refuse."""
    name = place.endpoint.name
    if place.state == "failed":
        return EndpointNotReady(
            f"{name} failed at SageMaker: {place.reason}", "Deploy to it again.", retry_after=60
        )
    return EndpointNotReady(f"SageMaker is still making {name}.", "That takes some minutes.", retry_after=15)


def refused(version: ModelVersion) -> Conflict | None:
    """Why a version that stands ready may not answer: its approval was taken back, or it is void."""
    try:
        approval.require_servable(version)
    except Conflict as refusal:
        return refusal
    return None


def serving_of(request: Request) -> Serving:
    """From the state of the application's lifespan, which is that of one event loop."""
    serving: Serving = request.state.serving
    return serving
