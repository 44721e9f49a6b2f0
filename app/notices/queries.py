"""Every read of notices, and the writes whose WHERE is the rule."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, case, delete, func, or_, select, update
from sqlalchemy.orm import Session

from app.core.database import now
from app.notices.tables import Kind, Notice

KEPT_SECONDS = 90 * 24 * 3600


@dataclass(frozen=True)
class NoticeFilter:
    """Always one person's; the others narrow nothing where they are empty."""

    user_id: str
    unread: bool = False
    kind: str = ""
    text: str = ""


@dataclass(frozen=True)
class NoticePage:
    """``next`` is the cursor of the following page, or None on the last one."""

    items: Sequence[Notice]
    total: int
    next: str | None


@dataclass(frozen=True)
class Unread:
    """The bell's count, and whether one of them is about the page that is being opened."""

    count: int
    here: bool


def unread(session: Session, user_id: str, path: str = "") -> Unread:
    """One look into an index that holds nothing but what is unread."""
    here = func.count(case((Notice.url == path, 1)))
    mine = [Notice.user_id == user_id, Notice.read_at.is_(None)]
    count, hits = session.execute(select(func.count(), here).where(*mine)).one()
    return Unread(count, bool(hits))


def newest_unread(session: Session, user_id: str) -> Notice | None:
    query = select(Notice).where(Notice.user_id == user_id, Notice.read_at.is_(None))
    return session.scalar(query.order_by(Notice.id.desc()).limit(1))


def list_notices(
    session: Session, narrowed: NoticeFilter, cursor: str | None = None, limit: int = 50
) -> NoticePage:
    """Unread ones first, each part newest first. The cursor says which part, and the last id in it."""
    conditions = _conditions(narrowed)
    total = session.scalar(select(func.count()).select_from(Notice).where(*conditions)) or 0
    query = select(Notice).where(*conditions).order_by(Notice.read_at.is_not(None), Notice.id.desc())
    if cursor:
        query = query.where(_after(cursor))
    rows = list(session.scalars(query.limit(limit + 1)))
    return NoticePage(rows[:limit], total, _cursor(rows[limit - 1]) if len(rows) > limit else None)


def all_notices(session: Session, narrowed: NoticeFilter) -> Iterator[Notice]:
    query = select(Notice).where(*_conditions(narrowed))
    return iter(session.scalars(query.order_by(Notice.read_at.is_not(None), Notice.id.desc())))


def read(session: Session, user_id: str, notice_id: str | None = None, url: str | None = None) -> int:
    """Mark one, those about a page, or all of a person's as read; how many were unread."""
    reads = update(Notice).where(Notice.user_id == user_id, Notice.read_at.is_(None))
    if notice_id is not None:
        reads = reads.where(Notice.id == notice_id)
    if url is not None:
        reads = reads.where(Notice.url == url)
    done = session.execute(reads.values(read_at=now()).returning(Notice.id))
    return len(done.all())


def settle(session: Session, kind: Kind, subject_id: str) -> None:
    """What waited no longer does: nobody needs to be told any more."""
    settled = update(Notice).where(
        Notice.subject_id == subject_id, Notice.kind == kind, Notice.read_at.is_(None)
    )
    session.execute(settled.values(read_at=now()))


def sweep(session: Session) -> None:
    session.execute(delete(Notice).where(Notice.at < now(-KEPT_SECONDS)))


def _conditions(narrowed: NoticeFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [Notice.user_id == narrowed.user_id]
    if narrowed.unread:
        conditions.append(Notice.read_at.is_(None))
    if narrowed.kind:
        conditions.append(Notice.kind == narrowed.kind)
    for word in narrowed.text.split():
        said = (column.icontains(word, autoescape=True) for column in (Notice.title, Notice.text))
        conditions.append(or_(*said, Notice.subject_id == word))
    return conditions


def _cursor(notice: Notice) -> str:
    return f"{'r' if notice.read_at else 'u'}.{notice.id}"


def _after(cursor: str) -> ColumnElement[bool]:
    part, _, last = cursor.partition(".")
    if part == "r":
        return and_(Notice.read_at.is_not(None), Notice.id < last)
    return or_(Notice.read_at.is_not(None), Notice.id < last)
