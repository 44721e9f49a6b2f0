"""Accounts as JSON."""

from collections.abc import Mapping
from typing import Any

from app.accounts.tables import AuditEntry, Token, User
from app.core.pages import iso


def user_json(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "name": user.name,
        "role": user.role,
        "service": user.is_service,
        "state": user.state,
        "created_at": iso(user.created_at),
        "seen_at": iso(user.seen_at) or None,
    }


def token_json(token: Token, owner: str) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "role": token.role,
        "prefix": token.prefix,
        "owner": owner,
        "created_at": iso(token.created_at),
        "used_at": iso(token.used_at) or None,
        "expires_at": iso(token.expires_at) or None,
    }


def entry_json(entry: AuditEntry, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "seq": entry.seq,
        "at": iso(entry.at),
        "actor": {"id": entry.actor_id, "name": names.get(entry.actor_id)},
        "action": entry.action,
        "subject_id": entry.subject_id,
        "details": entry.details,
        "hash": entry.hash,
    }
