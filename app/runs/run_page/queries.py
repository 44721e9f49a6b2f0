"""The reads that only the page of one run makes."""

from collections import deque

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from app.runs.queries import LogLine
from app.runs.tables import LogChunk, Run, Step


def log_matching(
    session: Session, run_id: str, step_id: str, attempt: int, text: str, limit: int
) -> tuple[int, list[LogLine]]:
    """How many lines of an attempt's log hold the text, whatever their case, and the last of them."""
    of_attempt = and_(LogChunk.run_id == run_id, LogChunk.step_id == step_id, LogChunk.attempt == attempt)
    # The database skips most of a long log; which lines of a chunk it was, only its text tells.
    query = select(LogChunk).where(of_attempt, LogChunk.text.icontains(text, autoescape=True))
    wanted, count = text.casefold(), 0
    kept: deque[LogLine] = deque(maxlen=limit)
    for chunk in session.scalars(query.order_by(LogChunk.line).execution_options(yield_per=50)):
        for offset, line in enumerate(chunk.text.split("\n")):
            if wanted in line.casefold():
                count += 1
                kept.append(LogLine(chunk.line + offset, line, chunk.at))
    return count, list(kept)


def run_of_step(session: Session, step_id: str) -> Run | None:
    """The run in which a cached step's artifact was made."""
    return session.scalar(select(Run).join(Step, Step.run_id == Run.id).where(Step.id == step_id))
