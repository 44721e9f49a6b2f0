"""Tokens: keys for programs, shown once, stored as a hash with a prefix by which one recognises them."""

from datetime import timedelta

from app.accounts import audit, queries, service
from app.accounts.queries import hash_secret
from app.accounts.tables import Token, User
from app.core.changes import bump
from app.core.errors import Forbidden, Invalid, NotFound
from app.core.ids import new_id
from app.core.security import Actor, Role, new_secret
from app.core.work import Work

LONGEST_NAME = 60
LONGEST_DAYS = 3650


def create_token(
    work: Work, actor: Actor, name: str, role: Role | None = None, days: int | None = None
) -> tuple[Token, str]:
    """A token of the actor's own, for at most their role and that many days. The row and the secret."""
    wanted = role or actor.role
    if not actor.may(wanted):
        raise Forbidden(f"Your role, {actor.role}, can't hand out the role {wanted}.", "Choose a lower one.")
    return _create(work, actor.id, actor.id, name, wanted, days)


def create_service_token(work: Work, name: str, role: Role) -> tuple[Token, str]:
    """A program with a name of its own, made at the machine by whoever may run commands there."""
    user = User(id=new_id("usr"), name=service.free_name(work.session, name), role=role, is_service=True)
    work.session.add(user)
    work.session.flush()
    audit.record(work.session, user.id, "user.created", user.id, {"name": user.name, "role": role})
    return _create(work, user.id, user.id, name, role)


def revoke_token(work: Work, actor: Actor, token_id: str) -> Token:
    """One's own; an administrator revokes anybody's. Anything else is not found."""
    token = work.session.get(Token, token_id)
    theirs = token is not None and (token.user_id == actor.id or actor.may(Role.ADMIN))
    if token is None or not theirs or token.revoked_at:
        raise NotFound(f"There is no token {token_id}.", "Perhaps it was revoked already.")
    token.revoked_at = queries.database_time(work.session)
    audit.record(work.session, actor.id, "token.revoked", token.id, {"name": token.name})
    bump(work.session, token.user_id)
    return token


def touch(work: Work, token_id: str) -> None:
    if token := work.session.get(Token, token_id):
        token.used_at = queries.database_time(work.session)
        work.session.get_one(User, token.user_id).seen_at = token.used_at


def _create(
    work: Work, actor_id: str, user_id: str, name: str, role: Role, days: int | None = None
) -> tuple[Token, str]:
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise Invalid(f"A token needs a name of 1 to {LONGEST_NAME} printable characters.", field="name")
    if days is not None and not 1 <= days <= LONGEST_DAYS:
        raise Invalid(f"A token lasts 1 to {LONGEST_DAYS:,} days, or until it is revoked.", field="days")
    secret = "fr_" + new_secret()
    made_at = queries.database_time(work.session)
    token = Token(
        id=new_id("tok"),
        user_id=user_id,
        name=name,
        role=role,
        prefix=secret[:7],
        secret_hash=hash_secret(secret),
        created_at=made_at,
        expires_at=made_at + timedelta(days=days) if days else None,
    )
    work.session.add(token)
    work.session.flush()
    audit.record(
        work.session, actor_id, "token.created", token.id, {"name": name, "role": role, "days": days}
    )
    return token, secret
