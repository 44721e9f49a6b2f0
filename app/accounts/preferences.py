"""What people choose for themselves. What is as usual has no row, so a new choice needs no migration."""

from collections.abc import Mapping

from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.accounts import queries
from app.accounts.tables import Preference
from app.core.work import Work


def of(session: Session, user_id: str) -> Mapping[str, str]:
    return queries.preferences_of(session, user_id)


def choose(work: Work, user_id: str, name: str, value: str) -> None:
    """An empty value is the usual one again."""
    if value:
        work.session.merge(Preference(user_id=user_id, name=name, value=value))
    else:
        mine = (Preference.user_id == user_id, Preference.name == name)
        work.session.execute(delete(Preference).where(*mine))
    work.session.flush()


def without(session: Session, user_ids: set[str], name: str, value: str) -> set[str]:
    """Those of these users, where they are active, who did not choose ``value``."""
    return queries.active_ids(session, user_ids) - queries.choosers(session, user_ids, name, value)
