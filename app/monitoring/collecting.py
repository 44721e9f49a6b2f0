"""Collecting stored files that nothing names any more.

Three things keep a file that is about to be named. Its time: whatever is put, or put again, is new, and
only what is old is looked at. A second look at all that is named, in the very transaction in which a batch
is removed, with nobody else writing. And the storage's own look at the time right before it removes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.accounts import audit
from app.core.errors import Conflict, Invalid
from app.core.services import Services
from app.core.storage import Blob
from app.core.work import Work
from app.monitoring.references import Names, names
from app.monitoring.root_queries import Root, roots

YOUNGEST_HOURS = 1.0  # a step stores its files and names them minutes later
BATCH = 500
EXAMPLES = 10
SYSTEM = "system"


class TooYoung(Invalid):
    title = "Files that new can't be collected"


class NamesUnknown(Conflict):
    title = "Nothing can be collected now"


@dataclass(frozen=True)
class Collection:
    """What nothing names: ``count`` files of ``size`` bytes, with some of them; ``kept`` are too new to go.

    ``dry``: nothing was removed. ``stored`` and ``stored_size`` are all there was.
    """

    dry: bool
    count: int
    size: int
    kept: int
    stored: int
    stored_size: int
    examples: Sequence[Blob]
    older_than_hours: float


@dataclass(frozen=True)
class _Survey:
    stored: int
    stored_size: int
    old: Sequence[Blob]
    kept: int


def collect(services: Services, *, hours: float, dry: bool, actor_id: str = SYSTEM) -> Collection:
    if hours < YOUNGEST_HOURS:
        raise TooYoung(
            f"A file of under {YOUNGEST_HOURS:g} h may be about to be named.",
            f"Ask for {YOUNGEST_HOURS:g} h or more.",
        )
    return _collect(services, timedelta(hours=hours), dry, actor_id)


def _collect(services: Services, age: timedelta, dry: bool, actor_id: str) -> Collection:
    # Blobs first: what is named between the two looks is named in the second.
    blobs = list(services.storage.blobs())
    with services.works.reading() as work:
        first = list(roots(work.session))
    survey = _survey(services, blobs, first, datetime.now(UTC) - age)
    gone = list(survey.old) if dry else _remove(services, survey.old, {root.sha256 for root in first})
    found = Collection(
        dry=dry,
        count=len(gone),
        size=sum(blob.size for blob in gone),
        kept=survey.kept,
        stored=survey.stored,
        stored_size=survey.stored_size,
        examples=gone[:EXAMPLES],
        older_than_hours=age.total_seconds() / 3600,
    )
    if gone and not dry:
        with services.works.writing() as work:
            details = {"files": found.count, "bytes": found.size, "older_than_hours": found.older_than_hours}
            audit.record(work.session, actor_id, "artifacts.collected", "storage", details)
    return found


def _survey(services: Services, blobs: Sequence[Blob], first: Sequence[Root], limit: datetime) -> _Survey:
    named = _whole(names(services.storage, first))
    unnamed = [blob for blob in blobs if blob.sha256 not in named]
    old = [blob for blob in unnamed if blob.changed_at < limit]
    return _Survey(len(blobs), sum(blob.size for blob in blobs), old, len(unnamed) - len(old))


def _remove(services: Services, old: Sequence[Blob], seen: set[str]) -> list[Blob]:
    gone: list[Blob] = []
    for start in range(0, len(old), BATCH):
        batch = old[start : start + BATCH]
        with services.works.writing() as work:
            _keep_writers_out(work)
            fresh = [root for root in roots(work.session) if root.sha256 not in seen]
            new = _whole(names(services.storage, fresh))
            gone += [
                blob
                for blob in batch
                if blob.sha256 not in new
                and services.storage.remove(blob.sha256, unless_changed_since=blob.changed_at)
            ]
    return gone


def _whole(found: Names) -> Names:
    """A manifest that is lost names files that nobody knows: they would go with the rest."""
    for root in found.unreadable.values():
        raise NamesUnknown(
            f"The list of files of {root.what} is lost, so nobody knows which are still named.",
            f"{root.remedy} What else is missing, says: fittingroom check",
        )
    return found


def _keep_writers_out(work: Work) -> None:
    """A step that is taken from the cache names a file without putting it: nobody may do so meanwhile."""
    session: Session = work.session
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET LOCAL lock_timeout = '10s'"))
        session.execute(text("LOCK TABLE step IN SHARE MODE"))
