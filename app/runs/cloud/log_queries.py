"""How far a job's log has been taken into the telemetry database.

The log's place is saved after the lines, in the other database. Whoever died in between left lines that the
place does not know of: they are removed first, and come again.
"""

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from app.runs.leases import Lease
from app.runs.tables import LogChunk, MetricPoint


def forget_beyond(session: Session, lease: Lease, line: int, point_id: int) -> None:
    chunks = delete(LogChunk).where(*_of(LogChunk, lease), LogChunk.line > line)
    points = delete(MetricPoint).where(*_of(MetricPoint, lease), MetricPoint.id > point_id)
    for beyond in (chunks, points):
        session.execute(beyond.execution_options(synchronize_session=False))


def last_point(session: Session, lease: Lease) -> int:
    """The id of the newest, 0 where there is none."""
    return session.scalar(select(func.max(MetricPoint.id)).where(*_of(MetricPoint, lease))) or 0


def _of(table: type[LogChunk] | type[MetricPoint], lease: Lease) -> tuple[ColumnElement[bool], ...]:
    return (
        table.run_id == lease.run_id,
        table.step_id == lease.step_id,
        table.attempt == lease.attempt,
    )
