"""Topics: a number that grows whenever something watched has changed, and the watcher that polls them.

One watcher a web process asks, every half second and only while somebody listens, for the numbers of the
topics that are listened to. Listeners are async and hold neither a session nor a thread.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from sqlalchemy import BigInteger, String, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core.database import Main
from app.core.numbers import add_unless_there
from app.core.work import Works

log = structlog.get_logger()

POLL_SECONDS = 0.5
QUEUE_LENGTH = 8  # a slow listener needs only the newest number


class Topic(Main):
    """``id`` is the id of the thing watched: a run, an endpoint, a user."""

    __tablename__ = "topic"

    id: Mapped[str] = mapped_column(String(60), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, default=0)


def bump(session: Session, topic_id: str) -> int:
    """Raise the topic's number within this transaction; the row lock orders concurrent raisers."""
    raised = update(Topic).where(Topic.id == topic_id).values(seq=Topic.seq + 1).returning(Topic.seq)
    seq = session.scalar(raised)
    if seq is None:
        add_unless_there(session, Topic(id=topic_id, seq=0))
        seq = session.scalar(raised)
    assert seq is not None
    return seq


class Watcher:
    """Tells listeners in this process when a topic's number has grown."""

    def __init__(self, works: Works) -> None:
        self.ending = False
        self._works = works
        self._listeners: dict[str, set[asyncio.Queue[int]]] = defaultdict(set)
        self._seen: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def listening(self, topic_id: str) -> AsyncIterator[asyncio.Queue[int]]:
        """A queue of the topic's new numbers. The first poll reports the present one."""
        queue: asyncio.Queue[int] = asyncio.Queue(QUEUE_LENGTH)
        self._listeners[topic_id].add(queue)
        self._seen.pop(topic_id, None)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._poll())
        try:
            yield queue
        finally:
            self._listeners[topic_id].discard(queue)
            if not self._listeners[topic_id]:
                del self._listeners[topic_id]

    def end_all(self) -> None:
        """This process leaves: whoever listens wakes up, looks at ``ending`` and goes."""
        self.ending = True
        for topic_id in list(self._listeners):
            self._tell(topic_id, self._seen.get(topic_id, 0))

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _poll(self) -> None:
        while self._listeners:
            try:
                numbers = await asyncio.to_thread(self._numbers, list(self._listeners))
            except SQLAlchemyError:
                log.warning("watcher_poll_failed", exc_info=True)
                numbers = {}
            for topic_id, seq in numbers.items():
                if seq != self._seen.get(topic_id):
                    self._seen[topic_id] = seq
                    self._tell(topic_id, seq)
            await asyncio.sleep(POLL_SECONDS)

    def _numbers(self, topic_ids: list[str]) -> dict[str, int]:
        with self._works.reading() as work:
            topics = work.session.scalars(select(Topic).where(Topic.id.in_(topic_ids)))
            return {topic.id: topic.seq for topic in topics}

    def _tell(self, topic_id: str, seq: int) -> None:
        for queue in self._listeners.get(topic_id, ()):
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(seq)
