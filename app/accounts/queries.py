"""Every read of accounts. Only sessions, tokens and links that still hold are found by their secret."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from app.accounts.tables import (
    AuditEntry,
    OneTimeLink,
    Preference,
    SignInFailure,
    Token,
    User,
    WebSession,
)
from app.core.database import now
from app.core.security import Role

IDLE_SECONDS = 3 * 24 * 3600


@dataclass(frozen=True)
class AuditFilter:
    """What the audit is narrowed to; None narrows nothing."""

    actor_id: str | None = None
    action: str | None = None
    subject_id: str | None = None


@dataclass(frozen=True)
class AuditPage:
    """``next`` is the cursor of the following page, or None on the last one."""

    items: Sequence[AuditEntry]
    total: int
    next: str | None


def hash_secret(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def user_by_id(session: Session, user_id: str) -> User | None:
    return session.get(User, user_id)


def user_by_name(session: Session, name: str) -> User | None:
    return session.scalar(select(User).where(User.name == name))


def list_users(session: Session) -> list[User]:
    return list(session.scalars(select(User).order_by(User.is_service, User.name)))


def actor_names(session: Session, ids: Iterable[str]) -> dict[str, str]:
    """Names for the ids that are known; what a list page shows instead of ``usr_…``."""
    rows = session.execute(select(User.id, User.name).where(User.id.in_(set(ids))))
    return dict(rows.tuples().all())


def has_admin(session: Session) -> bool:
    """Whether a person administers this installation. A program's token doesn't count: it can't sign in."""
    return _count_admins(session, []) > 0


def other_admins(session: Session, user_id: str) -> int:
    return _count_admins(session, [User.id != user_id])


def _count_admins(session: Session, conditions: list[ColumnElement[bool]]) -> int:
    persons = [User.role == Role.ADMIN, User.is_service.is_(False), User.password_hash.is_not(None)]
    query = select(func.count()).select_from(User).where(User.disabled_at.is_(None), *persons, *conditions)
    return session.scalar(query) or 0


def other_approvers(session: Session, actor_id: str) -> int:
    """How many others could decide on this actor's work: persons with a password, programs with a token."""
    allowed = [role for role in Role if role.includes(Role.APPROVER)]
    keys = select(Token.user_id).where(Token.revoked_at.is_(None), Token.role.in_(allowed))
    able = or_(User.password_hash.is_not(None), User.id.in_(keys))
    query = select(func.count()).select_from(User)
    return (
        session.scalar(
            query.where(User.id != actor_id, User.disabled_at.is_(None), User.role.in_(allowed), able)
        )
        or 0
    )


def able_to(session: Session, role: Role) -> list[str]:
    """The ids of all active users whose role includes this one."""
    allowed = [each for each in Role if each.includes(role)]
    return list(session.scalars(select(User.id).where(User.disabled_at.is_(None), User.role.in_(allowed))))


def active_ids(session: Session, user_ids: Iterable[str]) -> set[str]:
    """Those of these ids that are users who are not disabled."""
    return set(session.scalars(select(User.id).where(User.id.in_(set(user_ids)), User.disabled_at.is_(None))))


def preferences_of(session: Session, user_id: str) -> dict[str, str]:
    query = select(Preference.name, Preference.value).where(Preference.user_id == user_id)
    return dict(session.execute(query).tuples().all())


def choosers(session: Session, user_ids: Iterable[str], name: str, value: str) -> set[str]:
    """Who of these users chose that."""
    chosen = (Preference.user_id.in_(set(user_ids)), Preference.name == name, Preference.value == value)
    return set(session.scalars(select(Preference.user_id).where(*chosen)))


def live_session(session: Session, secret: str) -> tuple[WebSession, User] | None:
    query = (
        select(WebSession, User)
        .join(User, User.id == WebSession.user_id)
        .where(
            WebSession.secret_hash == hash_secret(secret),
            WebSession.expires_at > now(),
            WebSession.seen_at > now(-IDLE_SECONDS),
            User.disabled_at.is_(None),
        )
    )
    row = session.execute(query).first()
    return (row[0], row[1]) if row else None


def sessions_of(session: Session, user_id: str) -> list[WebSession]:
    alive = [WebSession.expires_at > now(), WebSession.seen_at > now(-IDLE_SECONDS)]
    query = select(WebSession).where(WebSession.user_id == user_id, *alive)
    return list(session.scalars(query.order_by(WebSession.seen_at.desc())))


def live_token(session: Session, secret: str) -> tuple[Token, User] | None:
    query = (
        select(Token, User)
        .join(User, User.id == Token.user_id)
        .where(
            Token.secret_hash == hash_secret(secret), Token.revoked_at.is_(None), User.disabled_at.is_(None)
        )
    )
    row = session.execute(query).first()
    return (row[0], row[1]) if row else None


def tokens_of(session: Session, user_id: str | None) -> list[tuple[Token, User]]:
    """Live tokens with their owners, newest first; of everybody where ``user_id`` is None."""
    query = select(Token, User).join(User, User.id == Token.user_id).where(Token.revoked_at.is_(None))
    if user_id is not None:
        query = query.where(Token.user_id == user_id)
    return [(token, user) for token, user in session.execute(query.order_by(Token.id.desc()))]


def live_link(session: Session, secret: str) -> OneTimeLink | None:
    query = select(OneTimeLink).where(OneTimeLink.secret_hash == hash_secret(secret))
    return session.scalar(query.where(OneTimeLink.expires_at > now()))


def recent_failures(session: Session, column: str, value: str, seconds: float) -> int:
    """Failed sign-ins of one account (``name``) or from one ``address``."""
    matching = {"name": SignInFailure.name, "address": SignInFailure.address}[column] == value
    query = select(func.count()).select_from(SignInFailure)
    return session.scalar(query.where(matching, SignInFailure.at > now(-seconds))) or 0


def database_time(session: Session) -> datetime:
    moment: datetime | None = session.scalar(select(now()))
    if moment is None:
        raise AssertionError("unreachable: a database always knows the time")
    return moment


def audit_entry(session: Session, seq: int) -> AuditEntry | None:
    return session.get(AuditEntry, seq)


def last_actor(session: Session, subject_id: str, action: str) -> str | None:
    """Who did that to it last."""
    query = select(AuditEntry.actor_id).where(
        AuditEntry.subject_id == subject_id, AuditEntry.action == action
    )
    return session.scalar(query.order_by(AuditEntry.seq.desc()).limit(1))


def whole_audit(session: Session) -> Iterable[AuditEntry]:
    return session.scalars(select(AuditEntry).order_by(AuditEntry.seq).execution_options(yield_per=500))


def list_audit(
    session: Session, narrowed: AuditFilter, cursor: str | None = None, limit: int = 50
) -> AuditPage:
    """Newest first. The cursor is the number of the last entry of the page before."""
    named = {
        AuditEntry.actor_id: narrowed.actor_id,
        AuditEntry.action: narrowed.action,
        AuditEntry.subject_id: narrowed.subject_id,
    }
    conditions = [column == value for column, value in named.items() if value]
    total = session.scalar(select(func.count()).select_from(AuditEntry).where(*conditions)) or 0
    query = select(AuditEntry).where(*conditions).order_by(AuditEntry.seq.desc()).limit(limit + 1)
    if cursor and cursor.isascii() and cursor.isdigit() and len(cursor) < 18:
        query = query.where(AuditEntry.seq < int(cursor))
    rows = list(session.scalars(query))
    return AuditPage(rows[:limit], total, str(rows[limit - 1].seq) if len(rows) > limit else None)


def audit_actions(session: Session) -> list[str]:
    return list(session.scalars(select(AuditEntry.action).distinct().order_by(AuditEntry.action)))
