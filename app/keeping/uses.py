"""What was made from a subject, as its page and the page before deleting it show."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.lineage import count_users, newest_users
from app.core.services import Services, Subject
from app.core.work import Work
from app.keeping import subjects

SHOWN, LISTED = 12, 200


@dataclass(frozen=True)
class Uses:
    """The first few of ``total``."""

    items: Sequence[Subject]
    total: int


def uses_of(work: Work, services: Services, subject: Subject, limit: int = SHOWN) -> Uses:
    """Newest first: an id begins with the time of its making."""
    own = [subject.id, *subject.parts]
    newest = [
        each
        for prefix in services.handlers.keepers
        for each in newest_users(work.session, own, prefix, own, limit)
    ]
    newest.sort(key=lambda each: each.partition("_")[2], reverse=True)
    found = subjects.describe(work, services, newest[:limit])
    shown = [found[each] for each in newest[:limit] if each in found]
    return Uses(shown, count_users(work.session, own, own))
