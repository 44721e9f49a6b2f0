"""Users: the first administrator, invitations, roles, passwords. No account exists by default."""

import re
from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.accounts import audit, passwords, queries, sessions
from app.accounts.queries import hash_secret
from app.accounts.tables import OneTimeLink, User
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.ids import new_id
from app.core.security import Actor, Role, new_secret
from app.core.work import Work

SETUP_LIFETIME = timedelta(hours=24)
INVITATION_LIFETIME = timedelta(days=7)
NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,59}")


class NameTaken(Conflict):
    title = "That name is taken"


class NoSuchRole(Invalid):
    title = "No such role"


class PasswordsDiffer(Invalid):
    title = "The passwords differ"


class LinkSpent(Forbidden):
    title = "This link no longer works"


class LastAdministrator(Conflict):
    title = "Somebody has to administer"


def issue_setup_link(work: Work) -> str | None:
    """The secret of a fresh link for the first administrator, or None once there is one."""
    if queries.has_admin(work.session):
        return None
    work.session.execute(delete(OneTimeLink).where(OneTimeLink.user_id.is_(None)))
    return _issue_link(work, None, SETUP_LIFETIME)


def setup_address(origin: str, secret: str) -> str:
    """Where the bearer of a link's secret chooses a password."""
    return f"{origin}/setup?token={secret}"


def redeem_link(work: Work, secret: str, name: str, password: str) -> User:
    """Set the password that the link allows to set; without a user in the link, make the administrator.

    Deleting the link first makes it single use: a second request finds no row to delete.
    """
    link = queries.live_link(work.session, secret)
    gone = link and work.session.scalar(
        delete(OneTimeLink)
        .where(OneTimeLink.secret_hash == link.secret_hash)
        .returning(OneTimeLink.secret_hash)
    )
    if not link or not gone:
        raise LinkSpent("This link was used, replaced or has expired.", "Ask for a new one.")
    user = queries.user_by_id(work.session, link.user_id) if link.user_id else _first_admin(work, name)
    if user is None or user.disabled_at:
        raise LinkSpent("The account of this link is disabled.", "Ask an administrator.")
    passwords.check_strength(password, user.name)
    user.password_hash = passwords.hash_password(password)
    audit.record(work.session, user.id, "password.set", user.id, {"by": "one-time link"})
    sessions.end_all(work, user.id)
    return user


def create_user(
    work: Work, actor: Actor, name: str, role: Role, password: str | None = None
) -> tuple[User, str | None]:
    """An account. Without a password, also the secret of a link by which its owner chooses one."""
    user = _add_user(work, name, role)
    audit.record(work.session, actor.id, "user.created", user.id, {"name": user.name, "role": role})
    if password is None:
        return user, _issue_link(work, user.id, INVITATION_LIFETIME)
    passwords.check_strength(password, user.name)
    user.password_hash = passwords.hash_password(password)
    return user, None


def renew_link(work: Work, actor: Actor, user_id: str) -> tuple[User, str]:
    """A new invitation, which is also how an administrator helps after a forgotten password."""
    user = find_user(work.session, user_id)
    if user.is_service or user.disabled_at:
        raise Invalid("Only an active person can be given a link.", "Enable the account first.")
    work.session.execute(delete(OneTimeLink).where(OneTimeLink.user_id == user.id))
    audit.record(work.session, actor.id, "user.link_issued", user.id)
    return user, _issue_link(work, user.id, INVITATION_LIFETIME)


def change_role(work: Work, actor: Actor, user_id: str, role: Role) -> User:
    user = find_user(work.session, user_id)
    if user.role == role:
        return user
    _keep_an_admin(work.session, user, role)
    audit.record(work.session, actor.id, "user.role_changed", user.id, {"from": user.role, "to": role})
    user.role = role
    sessions.end_all(work, user.id, keep=actor.session_id)
    return user


def set_disabled(work: Work, actor: Actor, user_id: str, disabled: bool) -> User:
    user = find_user(work.session, user_id)
    if disabled:
        _keep_an_admin(work.session, user, None)
    if bool(user.disabled_at) != disabled:
        user.disabled_at = queries.database_time(work.session) if disabled else None
        audit.record(work.session, actor.id, f"user.{'disabled' if disabled else 'enabled'}", user.id)
    if disabled:
        sessions.end_all(work, user.id)
    return user


def change_password(work: Work, actor: Actor, current: str, new: str) -> None:
    """One's own. All other sessions of the user end."""
    user = find_user(work.session, actor.id)
    if not passwords.matches(current, user.password_hash):
        raise Invalid("The current password is not right.", field="current")
    passwords.check_strength(new, user.name)
    user.password_hash = passwords.hash_password(new)
    audit.record(work.session, actor.id, "password.set", user.id, {"by": "its owner"})
    sessions.end_all(work, user.id, keep=actor.session_id)


def find_user(session: Session, user_id: str) -> User:
    user = queries.user_by_id(session, user_id)
    if user is None:
        raise NotFound(f"There is no user {user_id}.", "The users are listed under Settings.")
    return user


def role_named(value: str) -> Role:
    try:
        return Role(value)
    except ValueError:
        raise NoSuchRole(f"There is no role {value[:20]!r}.", f"Roles: {', '.join(Role)}.") from None


def only_admin(session: Session) -> str | None:
    """The id of the one person who administers, where there is no other: they can't be taken away."""
    admins = queries.admin_ids(session)
    return admins[0] if len(admins) == 1 else None


def plain_name(name: str) -> str:
    """Names are compared in lower case and hold no sign that could fool a reader or a log."""
    plain = name.strip().lower()
    if not NAME.fullmatch(plain):
        raise Invalid(
            "A name has 1 to 60 letters a to z, digits and . _ @ + -, and starts with a letter or digit.",
            "An e-mail address will do.",
            field="name",
        )
    return plain


def free_name(session: Session, name: str) -> str:
    """``name`` as an account name, with a number when it is taken."""
    wanted = plain_name(re.sub(r"[^a-z0-9._@+-]+", "-", name.strip().lower())[:50])
    taken = {user.name for user in queries.list_users(session)}
    numbered = (f"{wanted}-{number}" for number in range(2, len(taken) + 3))
    return next(each for each in (wanted, *numbered) if each not in taken)


def _first_admin(work: Work, name: str) -> User:
    if queries.has_admin(work.session):
        raise LinkSpent("There is an administrator already.", "Sign in, or ask them for an account.")
    user = _add_user(work, name, Role.ADMIN)
    audit.record(work.session, user.id, "user.created", user.id, {"name": user.name, "role": user.role})
    return user


def _add_user(work: Work, name: str, role: Role) -> User:
    user = User(id=new_id("usr"), name=plain_name(name), role=role)
    try:
        with work.session.begin_nested():
            work.session.add(user)
    except IntegrityError:
        raise NameTaken(f"There is a user {user.name} already.", "Choose another name.") from None
    return user


def _issue_link(work: Work, user_id: str | None, lifetime: timedelta) -> str:
    secret = new_secret()
    expires_at = queries.database_time(work.session) + lifetime
    work.session.add(OneTimeLink(secret_hash=hash_secret(secret), user_id=user_id, expires_at=expires_at))
    work.session.flush()
    return secret


def _keep_an_admin(session: Session, user: User, role: Role | None) -> None:
    person = user.role == Role.ADMIN and not user.is_service
    if person and role != Role.ADMIN and queries.other_admins(session, user.id) == 0:
        raise LastAdministrator(
            f"{user.name} is the only administrator.", "Make somebody else an administrator first."
        )
