"""Users, their preferences, sessions and tokens, one-time links, failed sign-ins, and the audit.

Every secret is stored as a SHA-256 (it is 256 bits of chance) or, where a person chose it, as argon2id:
a dump of this database holds nothing that signs anybody in.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Main, now
from app.core.security import Role

# SQLite numbers rows by itself only where the column is exactly INTEGER.
_Serial = BigInteger().with_variant(Integer, "sqlite")


class User(Main):
    """A person, or a program with a name of its own (``is_service``), which has tokens and no password."""

    __tablename__ = "user_account"
    __table_args__ = (UniqueConstraint("name"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(60))  # in lower case, see accounts.service
    role: Mapped[str] = mapped_column(String(20))
    is_service: Mapped[bool] = mapped_column(default=False)
    password_hash: Mapped[str | None] = mapped_column(String(200))
    disabled_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]  # by a session or a token, to a quarter of an hour
    created_at: Mapped[datetime] = mapped_column(default=now())

    @property
    def state(self) -> str:
        if self.disabled_at:
            return "disabled"
        return "active" if self.is_service or self.password_hash else "invited"

    @property
    def permitted(self) -> Role:
        return Role(self.role)


class Preference(Main):
    """What a person chose for themselves; only what differs from the usual stands here."""

    __tablename__ = "preference"

    user_id: Mapped[str] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    value: Mapped[str] = mapped_column(String(200))


class WebSession(Main):
    """A signed-in browser. The cookie's value is kept as a hash only."""

    __tablename__ = "web_session"
    __table_args__ = (UniqueConstraint("secret_hash"), Index(None, "user_id"))

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    secret_hash: Mapped[str] = mapped_column(String(64))
    user_id: Mapped[str] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    address: Mapped[str] = mapped_column(String(60))
    agent: Mapped[str] = mapped_column(String(300))
    created_at: Mapped[datetime] = mapped_column(default=now())
    seen_at: Mapped[datetime] = mapped_column(default=now())
    expires_at: Mapped[datetime]


class Token(Main):
    """A program's key. It may do what its owner may, and no more than ``role``, until ``expires_at``."""

    __tablename__ = "api_token"
    __table_args__ = (UniqueConstraint("secret_hash"), Index(None, "user_id"))

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(60))
    role: Mapped[str] = mapped_column(String(20))
    prefix: Mapped[str] = mapped_column(String(12))  # "fr_3xQ9": enough to recognise it, not to use it
    secret_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(default=now())
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]


class OneTimeLink(Main):
    """Lets its bearer choose a password, once. Without a user it makes the first administrator."""

    __tablename__ = "one_time_link"
    __table_args__ = (Index(None, "user_id"),)

    secret_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str | None] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(default=now())
    expires_at: Mapped[datetime]


class SignInFailure(Main):
    """Counted by account and by address over a quarter of an hour; older ones are deleted."""

    __tablename__ = "sign_in_failure"
    __table_args__ = (Index(None, "name", "at"), Index(None, "address", "at"))

    id: Mapped[int] = mapped_column(_Serial, primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(String(60))
    address: Mapped[str] = mapped_column(String(60))
    at: Mapped[datetime] = mapped_column(default=now())


class AuditEntry(Main):
    """What somebody did. ``hash`` covers this row and the hash of the one before."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index(None, "subject_id"), Index(None, "actor_id"), Index(None, "action"))

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor_id: Mapped[str] = mapped_column(String(40))
    action: Mapped[str] = mapped_column(String(60))
    subject_id: Mapped[str] = mapped_column(String(60))
    details: Mapped[dict[str, Any]]
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
