"""What the panel "Tags, note, archive, delete" of a page shows, whatever the page is about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.accounts.queries import actor_names
from app.core.lineage import used_by
from app.core.services import Services, Subject
from app.core.work import Work
from app.keeping import queries, subjects
from app.keeping.queries import Kept

USES_SHOWN = 12


@dataclass(frozen=True)
class Uses:
    """What was made from a subject, the first few of ``total``."""

    items: Sequence[Subject]
    total: int


@dataclass(frozen=True)
class Panel:
    """``known`` are tags that others bear, to choose from."""

    subject: Subject
    kept: Kept
    uses: Uses
    names: Mapping[str, str]
    known: Sequence[str]

    @property
    def url(self) -> str:
        """Where the forms of this subject go."""
        return f"/keeping/{self.subject.id}"

    def name(self, actor_id: str | None) -> str:
        return self.names.get(actor_id or "", actor_id or "")


def panel_of(work: Work, services: Services, subject_id: str) -> Panel:
    """Pass it to the macro ``keeping_panel`` of components/keeping.html."""
    subject = subjects.find(work, services, subject_id)
    kept = queries.kept_of(work.session, [subject.id])[subject.id]
    people = [actor for actor in (kept.note_by, kept.archived_by) if actor]
    return Panel(
        subject,
        kept,
        uses_of(work, services, subject),
        actor_names(work.session, people),
        queries.tags_in_use(work.session, subject.id.partition("_")[0]),
    )


def uses_of(work: Work, services: Services, subject: Subject, limit: int = USES_SHOWN) -> Uses:
    """Newest first: an id begins with the time of its making."""
    own = {subject.id, *subject.parts}
    edges = [edge for each in own for edge in used_by(work.session, each)]
    ids = sorted({edge.target_id for edge in edges} - own, key=lambda each: each.partition("_")[2])[::-1]
    found = subjects.describe(work, services, ids[:limit])
    return Uses([found[each] for each in ids[:limit] if each in found], len(ids))
