"""What the pages of keeping show, and the panel that other features put into theirs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.accounts.queries import actor_names
from app.core.security import Actor
from app.core.services import Services, Subject
from app.core.snippets import Call
from app.core.work import Work
from app.keeping import deletion, queries, subjects
from app.keeping.queries import Kept
from app.keeping.uses import LISTED, SHOWN, Uses, uses_of


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


@dataclass(frozen=True)
class DeletionPage:
    """``reasons`` are why it can't be deleted now; with none of them it can, by whoever ``may``."""

    subject: Subject
    kept: Kept
    uses: Uses
    reasons: Sequence[str]
    may: bool
    owner: str


def panel_of(work: Work, services: Services, subject_id: str, shown: int = SHOWN) -> Panel:
    """Pass it to the macro ``keeping_panel`` of components/keeping.html."""
    subject = subjects.find(work, services, subject_id)
    kept = queries.kept_of(work.session, [subject.id])[subject.id]
    uses = uses_of(work, services, subject, shown)
    people = [actor for actor in (kept.note_by, kept.archived_by) if actor]
    known = queries.tags_in_use(work.session, subject.id.partition("_")[0])
    return Panel(subject, kept, uses, actor_names(work.session, people), known)


def calls(panel: Panel) -> list[Call]:
    """The same for programs."""
    address, kept = f"/api/v1/subjects/{panel.subject.id}", panel.kept
    note = {"text": kept.note, "row_version": kept.note_version}
    return [
        Call("All of this", "GET", address),
        Call("Set its tags", "PUT", f"{address}/tags", {"tags": list(kept.tags)}),
        Call("Write its note", "PUT", f"{address}/note", note),
        Call("Archive it", "POST", f"{address}/archival"),
    ]


def deletion_page(work: Work, services: Services, actor: Actor, subject_id: str) -> DeletionPage:
    subject = subjects.find(work, services, subject_id)
    return DeletionPage(
        subject,
        queries.kept_of(work.session, [subject.id])[subject.id],
        uses_of(work, services, subject, LISTED),
        deletion.reasons(work, services, subject),
        deletion.may_delete(actor, subject),
        actor_names(work.session, [subject.owner_id]).get(subject.owner_id, subject.owner_id),
    )


def address_after(work: Work, services: Services, deleted: Subject) -> str:
    """Where to go from something that is gone: what is left of it, what it was part of, or its list."""
    ids = [each for each in (deleted.id, deleted.parent_id) if each]
    left = subjects.describe(work, services, ids)
    return next((left[each].url for each in ids if each in left), deleted.list_url or "/")
