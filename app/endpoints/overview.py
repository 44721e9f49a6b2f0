"""What the first page asks of endpoints."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.endpoints.tables import Deployment


def ever_deployed(session: Session) -> bool:
    return session.scalar(select(Deployment.id).limit(1)) is not None
