"""Who may do what. A route carries its permission; a route that carries none is refused.

The check itself is one dependency of the whole application (``accounts.access``); here stand the words.
The decorators stand below the router's: what they return is what the router must be given.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request

from app.core.errors import Unauthenticated
from app.core.work import ending_its_work

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


class Role(StrEnum):
    """Each role may do what the ones before it may."""

    VIEWER = "viewer"
    EDITOR = "editor"
    APPROVER = "approver"
    ADMIN = "admin"

    def includes(self, other: "Role") -> bool:
        order = list(Role)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True)
class Actor:
    """Whoever acts in this request: a user at the browser, or a program with a token."""

    id: str
    name: str
    role: Role
    # The double-submit secret of the session's forms; None for tokens, which carry no cookie.
    session_id: str | None = None

    def may(self, role: Role) -> bool:
        return self.role.includes(role)


@dataclass(frozen=True)
class Permission:
    """``role`` is None for a public route, whose ``reason`` a reviewer reads in the route test."""

    role: Role | None
    reason: str = ""


def requires(role: Role) -> Callable[[Endpoint], Endpoint]:
    return _permitted(Permission(role))


def public(reason: str) -> Callable[[Endpoint], Endpoint]:
    return _permitted(Permission(None, reason))


def permission_of(endpoint: Callable[..., Any]) -> Permission | None:
    return getattr(endpoint, "__permission__", None)


def _permitted(permission: Permission) -> Callable[[Endpoint], Endpoint]:
    def mark(endpoint: Endpoint) -> Endpoint:
        marked = ending_its_work(endpoint)
        marked.__permission__ = permission  # type: ignore[attr-defined]
        return marked

    return mark


def current_actor(request: Request) -> Actor:
    actor: Actor | None = getattr(request.state, "actor", None)
    if actor is None:
        raise Unauthenticated("This needs a signed-in user.", "Sign in, or send a bearer token.")
    return actor


CurrentActor = Annotated[Actor, Depends(current_actor)]


def new_secret() -> str:
    """256 bits of chance, for tokens, sessions and one-time links."""
    return secrets.token_urlsafe(32)
