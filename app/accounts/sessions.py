"""Signing in and out: sessions of browsers, and the limit on guessing."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.accounts import audit, passwords, queries
from app.accounts.queries import hash_secret
from app.accounts.tables import SignInFailure, User, WebSession
from app.core.changes import bump
from app.core.database import now
from app.core.errors import TooMany, Unauthenticated
from app.core.ids import new_id
from app.core.security import Actor, new_secret
from app.core.work import Work

LIFETIME = timedelta(days=14)
SEEN_EVERY = timedelta(minutes=15)  # so that a page view does not write
WINDOW_SECONDS = 15 * 60
FAILURES_PER_ACCOUNT = 10
FAILURES_PER_ADDRESS = 50  # an office shares one


class TooManyFailures(TooMany):
    title = "Too many failed attempts"


class WrongPassword(Unauthenticated):
    title = "Name and password don't match"


@dataclass(frozen=True)
class Client:
    """Where a request comes from, as far as the session list shows it."""

    address: str
    agent: str


def check_rate(session: Session, name: str, address: str) -> None:
    """Refuse before any password is compared: a guess that is not answered costs nothing to refuse."""
    by_account = queries.recent_failures(session, "name", name, WINDOW_SECONDS)
    by_address = queries.recent_failures(session, "address", address, WINDOW_SECONDS)
    if by_account >= FAILURES_PER_ACCOUNT or by_address >= FAILURES_PER_ADDRESS:
        raise TooManyFailures(
            "Too many failed attempts to sign in.",
            "Try again in a quarter of an hour.",
            retry_after=WINDOW_SECONDS,
        )


def verify_password(session: Session, name: str, password: str) -> User | None:
    """The user, when the password is theirs. Slow on purpose, so no write lock may be held meanwhile."""
    user = queries.user_by_name(session, name)
    usable = user is not None and user.disabled_at is None and not user.is_service
    stored = user.password_hash if user and usable else None
    return user if passwords.matches(password, stored) else None


def note_failure(work: Work, name: str, client: Client) -> None:
    outdated = SignInFailure.at < now(-WINDOW_SECONDS)
    work.session.execute(delete(SignInFailure).where(outdated))
    work.session.add(SignInFailure(name=name[:60], address=client.address))


def start(work: Work, user: User, client: Client) -> str:
    """A new session, always with a new secret; returns the value of its cookie."""
    secret = new_secret()
    user.seen_at = queries.database_time(work.session)
    work.session.add(user)  # it was read in another unit of work
    work.session.add(
        WebSession(
            id=new_id("ses"),
            secret_hash=hash_secret(secret),
            user_id=user.id,
            address=client.address,
            agent=client.agent[:300],
            expires_at=user.seen_at + LIFETIME,
        )
    )
    work.session.execute(delete(WebSession).where(WebSession.expires_at < now()))
    work.session.execute(delete(SignInFailure).where(SignInFailure.name == user.name))
    audit.record(work.session, user.id, "session.started", user.id, {"address": client.address})
    return secret


def touch(work: Work, session_id: str) -> None:
    if row := work.session.get(WebSession, session_id):
        row.seen_at = queries.database_time(work.session)
        work.session.get_one(User, row.user_id).seen_at = row.seen_at


def end(work: Work, user_id: str, session_id: str) -> None:
    """End one of the user's own sessions; that of another is not found, so nothing happens."""
    mine = (WebSession.id == session_id, WebSession.user_id == user_id)
    ended = work.session.scalar(delete(WebSession).where(*mine).returning(WebSession.id))
    if ended:
        audit.record(work.session, user_id, "session.ended", user_id, {"session": session_id})
        bump(work.session, user_id)


def end_others(work: Work, actor: Actor) -> int:
    """All of one's own but the one that asks; how many that were."""
    others = (WebSession.user_id == actor.id, WebSession.id != (actor.session_id or ""))
    ended = work.session.scalars(delete(WebSession).where(*others).returning(WebSession.id)).all()
    if ended:
        audit.record(work.session, actor.id, "session.ended", actor.id, {"sessions": len(ended)})
        bump(work.session, actor.id)
    return len(ended)


def end_all(work: Work, user_id: str, keep: str | None = None) -> None:
    """After a change of password or role, or when a user is disabled."""
    work.session.execute(
        delete(WebSession).where(WebSession.user_id == user_id, WebSession.id != (keep or ""))
    )
    bump(work.session, user_id)
