"""Endpoints, for the search across the product."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.findings import Found, saying
from app.endpoints.queries import deployment_by_id, live
from app.endpoints.tables import Endpoint


def find_endpoints(session: Session, words: Sequence[str], limit: int) -> list[Found]:
    known = (saying(words, Endpoint.name), Endpoint.deleted_at.is_(None))
    found = session.scalars(select(Endpoint).where(*known).order_by(Endpoint.name).limit(limit)).all()
    answers = {one.endpoint.id: f"{one.model.name} v{one.version.number}" for one in live(session)}
    return [
        Found(
            "endpoint",
            each.id,
            each.name,
            f"answers with {answers[each.id]}" if each.id in answers else "answers nothing now",
            f"/endpoints/{each.name}",
            each.created_at,
        )
        for each in found
    ]


def address_of_deployment(session: Session, deployment_id: str) -> str | None:
    placed = deployment_by_id(session, deployment_id)
    return f"/endpoints/{placed.endpoint.name}" if placed else None
