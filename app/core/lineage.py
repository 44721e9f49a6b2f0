"""What was made from what, as edges between ids. "Used by" needs no import of the features above."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Index, String, delete, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core.database import Main


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


def descendants(session: Session, source_ids: Iterable[str]) -> list[str]:
    """Everything that was made from these, at any distance, without themselves."""
    known = dict.fromkeys(source_ids)
    sources, newest = len(known), list(known)
    while newest:
        query = select(Edge.target_id).where(Edge.source_id.in_(newest)).distinct()
        newest = [each for each in session.scalars(query) if each not in known]
        known |= dict.fromkeys(newest)
    return list(known)[sources:]


def forget_edges(session: Session, ids: Sequence[str]) -> None:
    """Of things that are gone; what was made of them keeps its own."""
    session.execute(delete(Edge).where(or_(Edge.source_id.in_(ids), Edge.target_id.in_(ids))))
