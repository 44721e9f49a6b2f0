"""What app.endpoints.subject asks of the database."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.endpoints.tables import Endpoint


def endpoints_by_id(session: Session, ids: Sequence[str]) -> list[Endpoint]:
    return list(session.scalars(select(Endpoint).where(Endpoint.id.in_(ids))))
