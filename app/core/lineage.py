"""What was made from what, as edges between ids. "Used by" needs no import of the features above."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Index, String, delete, func, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core.database import Main

AT_ONCE = 1000  # ids in one statement: a database takes some ten thousand


class Edge(Main):
    """``target`` was made from, or uses, ``source``; ``relation`` says how ("trained_on")."""

    __tablename__ = "lineage_edge"
    __table_args__ = (Index(None, "target_id"),)

    source_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    target_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    relation: Mapped[str] = mapped_column(String(40), primary_key=True)


def record_edge(session: Session, source_id: str, target_id: str, relation: str) -> None:
    """Recording the same edge again changes nothing."""
    session.merge(Edge(source_id=source_id, target_id=target_id, relation=relation))


def used_by(session: Session, source_id: str) -> list[Edge]:
    query = select(Edge).where(Edge.source_id == source_id).order_by(Edge.relation, Edge.target_id)
    return list(session.scalars(query))


def made_from(session: Session, target_id: str) -> list[Edge]:
    query = select(Edge).where(Edge.target_id == target_id).order_by(Edge.relation, Edge.source_id)
    return list(session.scalars(query))


def newest_users(
    session: Session, source_ids: Sequence[str], prefix: str, but: Sequence[str], limit: int
) -> list[str]:
    """The newest ids of one kind that were made from these: they begin with the time of their making."""
    of_kind = [Edge.target_id.startswith(f"{prefix}_", autoescape=True), Edge.target_id.not_in(but)]
    query = select(Edge.target_id).where(Edge.source_id.in_(source_ids), *of_kind).distinct()
    return list(session.scalars(query.order_by(Edge.target_id.desc()).limit(limit)))


def count_users(session: Session, source_ids: Sequence[str], but: Sequence[str]) -> int:
    made = [Edge.source_id.in_(source_ids), Edge.target_id.not_in(but)]
    return session.scalar(select(func.count(Edge.target_id.distinct())).where(*made)) or 0


def users_of(session: Session, source_ids: Iterable[str]) -> list[str]:
    """The ids of all that was made from any of these: a data set may have ten thousand."""
    sources, found = list(source_ids), dict[str, None]()
    for start in range(0, len(sources), AT_ONCE):
        some = Edge.source_id.in_(sources[start : start + AT_ONCE])
        found |= dict.fromkeys(session.scalars(select(Edge.target_id).where(some).distinct()))
    return list(found)


def descendants(session: Session, source_ids: Iterable[str]) -> list[str]:
    """Everything that was made from these, at any distance, without themselves."""
    known = dict.fromkeys(source_ids)
    sources, newest = len(known), list(known)
    while newest:
        newest = [each for each in users_of(session, newest) if each not in known]
        known |= dict.fromkeys(newest)
    return list(known)[sources:]


def forget_edges(session: Session, ids: Sequence[str]) -> None:
    """Of things that are gone; what was made of them keeps its own."""
    session.execute(delete(Edge).where(or_(Edge.source_id.in_(ids), Edge.target_id.in_(ids))))
