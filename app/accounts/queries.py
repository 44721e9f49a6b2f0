"""Every read of accounts. Only sessions, tokens and links that still hold are found by their secret."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from app.accounts.tables import (
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
class UserFilter:
    """What the list of users is narrowed to; empty narrows nothing."""

    text: str = ""
    role: str = ""
    state: str = ""


def hash_secret(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def user_by_id(session: Session, user_id: str) -> User | None:
    return session.get(User, user_id)


def user_by_name(session: Session, name: str) -> User | None:
    return session.scalar(select(User).where(User.name == name))


def list_users(session: Session) -> list[User]:
    return list(session.scalars(select(User).order_by(User.is_service, User.name)))


def find_users(session: Session, narrowed: UserFilter, limit: int = 1000) -> list[User]:
    """People first, then programs, each by name."""
    conditions = [User.name.icontains(word, autoescape=True) for word in narrowed.text.split()]
    if narrowed.role:
        conditions.append(User.role == narrowed.role)
    if narrowed.state in _STATES:
        conditions.append(_STATES[narrowed.state])
    query = select(User).where(*conditions).order_by(User.is_service, User.name)
    return list(session.scalars(query.limit(limit)))


_ENTERED = or_(User.is_service.is_(True), User.password_hash.is_not(None))
_STATES: dict[str, ColumnElement[bool]] = {
    "active": and_(User.disabled_at.is_(None), _ENTERED),
    "invited": and_(User.disabled_at.is_(None), User.is_service.is_(False), User.password_hash.is_(None)),
    "disabled": User.disabled_at.is_not(None),
}


def open_links(session: Session) -> dict[str, datetime]:
    """By user: until when the one-time link that they were sent works."""
    query = select(OneTimeLink.user_id, OneTimeLink.expires_at).where(
        OneTimeLink.user_id.is_not(None), OneTimeLink.expires_at > now()
    )
    return {user_id: expires_at for user_id, expires_at in session.execute(query) if user_id}


def actor_names(session: Session, ids: Iterable[str]) -> dict[str, str]:
    """Names for the ids that are known; what a list page shows instead of ``usr_…``."""
    rows = session.execute(select(User.id, User.name).where(User.id.in_(set(ids))))
    return dict(rows.tuples().all())


def user_names(session: Session) -> list[tuple[str, str]]:
    """Ids and names of all, for a file whose rows come one after the other."""
    return [(user_id, name) for user_id, name in session.execute(select(User.id, User.name))]


def has_admin(session: Session) -> bool:
    """Whether a person administers this installation. A program's token doesn't count: it can't sign in."""
    return _count_admins(session, []) > 0


def other_admins(session: Session, user_id: str) -> int:
    return _count_admins(session, [User.id != user_id])


def _count_admins(session: Session, conditions: list[ColumnElement[bool]]) -> int:
    persons = [User.role == Role.ADMIN, User.is_service.is_(False), User.password_hash.is_not(None)]
    query = select(func.count()).select_from(User).where(User.disabled_at.is_(None), *persons, *conditions)
    return session.scalar(query) or 0


def admin_ids(session: Session) -> list[str]:
    """Persons who administer and can sign in; two are enough to know that it is not only one."""
    persons = [User.role == Role.ADMIN, User.is_service.is_(False), User.password_hash.is_not(None)]
    return list(session.scalars(select(User.id).where(User.disabled_at.is_(None), *persons).limit(2)))


def other_approvers(session: Session, actor_id: str) -> int:
    """How many others could decide on this actor's work: persons with a password, programs with a token."""
    allowed = [role for role in Role if role.includes(Role.APPROVER)]
    keys = select(Token.user_id).where(Token.revoked_at.is_(None), _lasting(), Token.role.in_(allowed))
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
            Token.secret_hash == hash_secret(secret),
            Token.revoked_at.is_(None),
            _lasting(),
            User.disabled_at.is_(None),
        )
    )
    row = session.execute(query).first()
    return (row[0], row[1]) if row else None


def _lasting() -> ColumnElement[bool]:
    return or_(Token.expires_at.is_(None), Token.expires_at > now())


def tokens_of(session: Session, user_id: str | None, text: str = "") -> list[tuple[Token, User]]:
    """Tokens that were not revoked with their owners, newest first; everybody's where ``user_id`` is None."""
    query = select(Token, User).join(User, User.id == Token.user_id).where(Token.revoked_at.is_(None))
    if user_id is not None:
        query = query.where(Token.user_id == user_id)
    for word in text.split():
        said = [column.icontains(word, autoescape=True) for column in (Token.name, User.name)]
        query = query.where(or_(*said, Token.prefix == word[:7], Token.id == word))
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
