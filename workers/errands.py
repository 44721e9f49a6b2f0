"""A thread in each worker that does errands in the cloud, one at a time, and leaves the slots alone.

Nothing is held open meanwhile: an errand is taken by a lease, kept by a beat, and ended by one transaction
that its fence guards. A worker that dies leaves it to be taken again when the lease has run out.
"""

import threading
import time
from collections.abc import Mapping

import structlog

from app.core.changes import bump
from app.core.database import AWAY
from app.core.errors import FittingRoomError, Unavailable
from app.core.services import Services
from app.integrations.errands import queries
from app.integrations.errands.doing import Call, Doer, Stopped
from app.integrations.errands.tables import Errand, ErrandState
from ml.contract.faults import faultpoint
from workers.background import Background

log = structlog.get_logger()

LOOK_SECONDS = 1.0
LEASE_SECONDS = 30.0
BEAT_SECONDS = 2.0
SHOWN_EVERY_SECONDS = 0.5
LONGEST_PAUSE = 60.0
TRIES = 20  # against a service that is away: about a quarter of an hour
AGAIN = "It is tried again"


class Errands(Background):
    def __init__(self, services: Services, doers: Mapping[str, Doer], owner: str) -> None:
        super().__init__("errands", owner, LOOK_SECONDS)
        self._services = services
        self._doers = doers

    def turn(self) -> float:
        try:
            while not self._stop.is_set() and self.do_one():
                pass
        except AWAY:
            log.warning("errands_failed", exc_info=True)
        except Exception:
            log.exception("errands_failed_unexpectedly")
        return LOOK_SECONDS

    def do_one(self) -> bool:
        """Whether there was one to be done."""
        with self._services.works.reading() as work:
            due = queries.due(work.session, list(self._doers))
        for errand_id in due:
            with self._services.works.writing() as work:
                errand = queries.take(work.session, errand_id, self._owner, LEASE_SECONDS)
            if errand is not None:
                self._do(errand)
                return True
        return False

    def _do(self, errand: Errand) -> None:
        hand = Hand(self._services, errand)
        heart = threading.Thread(target=hand.beat, name="errand-heart", daemon=True)
        heart.start()
        try:
            result = self._doers[errand.kind](self._services, hand.call)
            faultpoint("errand.end")
            hand.end(ErrandState.DONE, result=result)
        except Stopped:
            hand.end(ErrandState.CANCELLED)
        except Unavailable as error:
            hand.put_off(error)
        except FittingRoomError as error:
            hand.end(ErrandState.FAILED, error.message, error.advice)
        except Exception as error:
            log.exception("errand_failed_unexpectedly", errand=errand.id, kind=errand.kind)
            hand.end(ErrandState.FAILED, f"It failed unexpectedly: {error!r}"[:500], "Try it once more.")
        finally:
            hand.ended.set()
            heart.join()


class Hand:
    """One taken errand, in the hands of this worker."""

    def __init__(self, services: Services, errand: Errand) -> None:
        self._works = services.works
        self._errand = errand
        self._stopping = threading.Event()
        self._shown_at = 0.0
        self.ended = threading.Event()
        self.call = Call(
            errand.id, errand.subject_id, errand.created_by, errand.details, self._report, self._pause
        )

    def beat(self) -> None:
        """In a thread of its own, so that a slow upload keeps its lease."""
        while not self.ended.wait(BEAT_SECONDS):
            try:
                with self._works.writing() as work:
                    held = queries.beat(work.session, *self._mine, LEASE_SECONDS)
                    if not held or queries.stop_requested(work.session, *self._mine):
                        self._stopping.set()
            except AWAY:
                log.warning("errand_beat_failed", errand=self._errand.id, exc_info=True)

    @property
    def _mine(self) -> tuple[str, int]:
        return self._errand.id, self._errand.fence

    def _report(self, done: int, total: int, message: str) -> None:
        if self._stopping.is_set():
            raise Stopped
        if time.monotonic() - self._shown_at < SHOWN_EVERY_SECONDS and done < total:
            return
        self._shown_at = time.monotonic()
        with self._works.writing() as work:
            if not queries.note(work.session, *self._mine, done, total, message):
                raise Stopped

    def _pause(self, seconds: float) -> None:
        if self._stopping.wait(seconds):
            raise Stopped

    def end(
        self,
        state: ErrandState,
        message: str = "",
        advice: str = "",
        result: Mapping[str, object] | None = None,
    ) -> None:
        with self._works.writing() as work:
            if queries.end(work.session, *self._mine, state, message, advice, result):
                bump(work.session, self._errand.subject_id)

    def put_off(self, error: Unavailable) -> None:
        tries = self._errand.fence
        if tries >= TRIES:
            self.end(ErrandState.FAILED, error.message, error.advice)
            return
        pause = min(LONGEST_PAUSE, 2.0**tries)
        with self._works.writing() as work:
            told = error.advice if AGAIN in error.advice else f"{AGAIN}. {error.advice}"
            queries.give_back(work.session, *self._mine, pause, error.message, told)
