"""Counters that people read: run #48, version 3. Taken within the transaction, so none is given twice."""

from datetime import datetime

from sqlalchemy import String, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core.database import Main, now
from app.core.ids import new_id


class Counter(Main):
    __tablename__ = "counter"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    value: Mapped[int] = mapped_column(default=0)


class Versioned(Main):
    """A name that has versions. ``last_number`` is the newest one's, raised by whoever adds it."""

    __abstract__ = True

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    last_number: Mapped[int] = mapped_column(default=0)
    created_by: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(default=now())


def next_number(session: Session, name: str) -> int:
    raised = update(Counter).where(Counter.name == name).values(value=Counter.value + 1)
    value: int | None = session.scalar(raised.returning(Counter.value))
    if value is None:
        add_unless_there(session, Counter(name=name, value=0))
        value = session.scalar(raised.returning(Counter.value))
    assert value is not None
    return value


def add_unless_there(session: Session, row: Main) -> None:
    """For rows that are made when they are first wanted: two transactions may want one at the same moment,
    and PostgreSQL lets both look before either writes."""
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        pass  # the other has committed by now, and theirs is the row


def next_version(
    session: Session, table: type[Versioned], prefix: str, name: str, actor_id: str
) -> tuple[str, int]:
    """The id of the row that bears the name, made where it is new, and the number of its next version."""
    if taken := _raised(session, table, name):
        return taken
    add_unless_there(session, table(id=new_id(prefix), name=name, last_number=0, created_by=actor_id))
    raised = _raised(session, table, name)
    assert raised is not None
    return raised


def _raised(session: Session, table: type[Versioned], name: str) -> tuple[str, int] | None:
    raised = update(table).where(table.name == name).values(last_number=table.last_number + 1)
    row = session.execute(raised.returning(table.id, table.last_number)).one_or_none()
    return (row[0], row[1]) if row else None
