"""Counters that people read: run #48. Taken within the transaction, so none is given twice."""

from sqlalchemy import String, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core.database import Main


class Counter(Main):
    __tablename__ = "counter"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    value: Mapped[int] = mapped_column(default=0)


def next_number(session: Session, name: str) -> int:
    raised = update(Counter).where(Counter.name == name).values(value=Counter.value + 1)
    value: int | None = session.scalar(raised.returning(Counter.value))
    if value is None:
        session.add(Counter(name=name, value=1))
        session.flush()
        return 1
    return value
