"""The verbs of notices: tell people, and note that they have read."""

from collections.abc import Iterable

from app.accounts.preferences import without
from app.core.changes import bump
from app.core.ids import new_id
from app.core.work import Work
from app.notices import queries
from app.notices.tables import Kind, Notice

LONGEST = 500  # the page it leads to says the rest
PREFERENCE = "notice."
OFF = "off"


def tell(
    work: Work, user_ids: Iterable[str], kind: Kind, *, subject_id: str, title: str, text: str, url: str
) -> None:
    """One notice for each of these users who wants that kind; ids of others are passed over.

    Old ones go at the same time, so no table grows for ever and nobody has to sweep.
    """
    wanted = without(work.session, set(user_ids), PREFERENCE + kind, OFF)
    for user_id in sorted(wanted):
        work.session.add(
            Notice(
                id=new_id("ntc"),
                user_id=user_id,
                kind=kind,
                subject_id=subject_id,
                title=title[:300],
                text=text if len(text) <= LONGEST else text[: LONGEST - 1] + "…",
                url=url,
            )
        )
        bump(work.session, user_id)
    work.session.flush()
    if wanted:
        queries.sweep(work.session)


def read_one(work: Work, user_id: str, notice_id: str) -> bool:
    return queries.read(work.session, user_id, notice_id=notice_id) > 0


def read_all(work: Work, user_id: str) -> int:
    return queries.read(work.session, user_id)


def opened(work: Work, user_id: str, path: str) -> int:
    """The person looks at the page that a notice leads to, whichever way they came; how many that reads."""
    return queries.read(work.session, user_id, url=path)
