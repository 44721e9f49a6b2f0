"""Users, for the search across the product; only administrators are given them."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.accounts.queries import UserFilter, find_users
from app.core.addresses import address
from app.core.findings import Found


def find_people(session: Session, words: Sequence[str], limit: int) -> list[Found]:
    return [
        Found(
            "user",
            user.id,
            user.name,
            f"{user.role}, {user.state}{', a program' if user.is_service else ''}",
            address("/settings/users", {"q": user.name}),
            user.created_at,
        )
        for user in find_users(session, UserFilter(" ".join(words)), limit)
    ]
