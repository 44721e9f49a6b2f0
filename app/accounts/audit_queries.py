"""Every read of the audit. It only grows, so each list is bounded."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, ScalarResult, String, cast, func, or_, select
from sqlalchemy.orm import Session

from app.accounts.tables import AuditEntry, User

NEWEST = 50_000  # entries that a search for words looks through: details have no index


@dataclass(frozen=True)
class AuditFilter:
    """What the audit is narrowed to; None narrows nothing."""

    actor_id: str | None = None
    action: str | None = None
    subject_id: str | None = None
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class AuditPage:
    """``next`` is the cursor of the following page, or None on the last one."""

    items: Sequence[AuditEntry]
    total: int
    next: str | None


def audit_entry(session: Session, seq: int) -> AuditEntry | None:
    return session.get(AuditEntry, seq)


def last_actor(session: Session, subject_id: str, action: str) -> str | None:
    """Who did that to it last."""
    query = select(AuditEntry.actor_id).where(
        AuditEntry.subject_id == subject_id, AuditEntry.action == action
    )
    return session.scalar(query.order_by(AuditEntry.seq.desc()).limit(1))


def whole_audit(session: Session) -> ScalarResult[AuditEntry]:
    """Read in pieces; whoever stops before its end closes it."""
    return session.scalars(select(AuditEntry).order_by(AuditEntry.seq).execution_options(yield_per=500))


def list_audit(
    session: Session, narrowed: AuditFilter, cursor: str | None = None, limit: int = 50
) -> AuditPage:
    """Newest first. The cursor is the number of the last entry of the page before."""
    conditions = _conditions(narrowed)
    total = session.scalar(select(func.count()).select_from(AuditEntry).where(*conditions)) or 0
    query = select(AuditEntry).where(*conditions).order_by(AuditEntry.seq.desc()).limit(limit + 1)
    if cursor and cursor.isascii() and cursor.isdigit() and len(cursor) < 18:
        query = query.where(AuditEntry.seq < int(cursor))
    rows = list(session.scalars(query))
    return AuditPage(rows[:limit], total, str(rows[limit - 1].seq) if len(rows) > limit else None)


def all_audit(session: Session, narrowed: AuditFilter) -> Iterator[AuditEntry]:
    query = select(AuditEntry).where(*_conditions(narrowed)).order_by(AuditEntry.seq.desc())
    return iter(session.scalars(query.execution_options(yield_per=500)))


def _conditions(narrowed: AuditFilter) -> list[ColumnElement[bool]]:
    named = {
        AuditEntry.actor_id: narrowed.actor_id,
        AuditEntry.action: narrowed.action,
        AuditEntry.subject_id: narrowed.subject_id,
    }
    conditions: list[ColumnElement[bool]] = [column == value for column, value in named.items() if value]
    if narrowed.since:
        conditions.append(AuditEntry.at >= narrowed.since)
    if narrowed.until:
        conditions.append(AuditEntry.at < narrowed.until)
    if narrowed.text:
        newest = select(func.max(AuditEntry.seq)).scalar_subquery()
        conditions += [AuditEntry.seq > newest - NEWEST, *map(_saying, narrowed.text.split())]
    return conditions


def _saying(word: str) -> ColumnElement[bool]:
    """In what was done, to what, by whom, or how. JSON writes other letters than ASCII as escapes."""
    escaped = json.dumps(word)[1:-1]
    doers = select(User.id).where(User.name.icontains(word, autoescape=True))
    return or_(
        AuditEntry.action.icontains(word, autoescape=True),
        AuditEntry.subject_id == word,
        AuditEntry.actor_id.in_(doers),
        cast(AuditEntry.details, String).icontains(escaped, autoescape=True),
    )


def audit_actions(session: Session) -> list[str]:
    return list(session.scalars(select(AuditEntry.action).distinct().order_by(AuditEntry.action)))
