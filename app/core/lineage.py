"""What was made from what, as edges between ids. "Used by" needs no import of the features above."""

from sqlalchemy import Index, String, select
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
