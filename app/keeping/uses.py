"""What was made from a subject, as its page and the page before deleting it show."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.lineage import used_by
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
    own = {subject.id, *subject.parts}
    targets = {edge.target_id for each in own for edge in used_by(work.session, each)} - own
    ids = sorted(targets, key=lambda each: each.partition("_")[2], reverse=True)
    found = subjects.describe(work, services, ids[:limit])
    return Uses([found[each] for each in ids[:limit] if each in found], len(ids))
