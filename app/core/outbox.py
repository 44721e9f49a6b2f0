"""Effects outside the database, written down in the transaction that wants them and delivered after it.

A crash between commit and delivery is closed by the dispatcher, which delivers what still stands here.
Delivery is at least once: a sender must bear the same message twice. What goes to a cloud may take minutes or
wait for hours: it has a line of its own, so that the audit's anchors never stand behind it.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import BigInteger, Integer, String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core.database import Main, now
from app.core.errors import Unavailable
from app.core.work import Works
from ml.contract.faults import faultpoint

log = structlog.get_logger()

Sender = Callable[[Mapping[str, Any]], None]
BATCH = 100
FAR = "cloud."  # how the kinds of messages begin that the workers' couriers deliver


class Message(Main):
    __tablename__ = "outbox_message"

    # Counted, not random: the order of writing is the order of delivery.
    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    payload: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=now())
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(Text)


def enqueue(session: Session, kind: str, payload: Mapping[str, Any]) -> None:
    session.add(Message(kind=kind, payload=dict(payload)))


def deliver(works: Works, senders: Mapping[str, Sender], *, far: bool = False) -> int:
    """Send what waits, oldest first; return how many went out. A delivered message is deleted."""
    sent = 0
    for message in waiting(works, far=far):
        try:
            faultpoint("outbox.send")
            senders[message.kind](message.payload)
            faultpoint("outbox.sent")
        except (OSError, KeyError, Unavailable) as error:
            _note_failure(works, message.id, error)
            break  # order matters to a chain of anchors: the next waits for this one
        with works.writing() as work:
            if row := work.session.get(Message, message.id):
                work.session.delete(row)
        sent += 1
    return sent


def waiting(works: Works, *, far: bool) -> list[Message]:
    """The oldest that wait, of one of the two lines."""
    line = Message.kind.startswith(FAR) if far else Message.kind.not_like(f"{FAR}%")
    with works.reading() as work:
        return list(work.session.scalars(select(Message).where(line).order_by(Message.id).limit(BATCH)))


def _note_failure(works: Works, message_id: int, error: Exception) -> None:
    log.warning("outbox_delivery_failed", message_id=message_id, error=repr(error))
    with works.writing() as work:
        if row := work.session.get(Message, message_id):
            row.attempts += 1
            row.last_error = repr(error)
