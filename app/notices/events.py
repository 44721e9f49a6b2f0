"""What is worth a notice, and to whom. Connected in ``app.handlers``; runs within what causes it."""

from app.accounts.audit_queries import last_actor
from app.accounts.queries import able_to, actor_names
from app.core.security import Role
from app.core.services import RunMove, VersionMove
from app.core.work import Work
from app.datasets.queries import version_by_id
from app.datasets.tables import VersionStatus
from app.notices import queries
from app.notices.service import tell
from app.notices.tables import Kind
from app.registry.tables import ApprovalStatus, Validity

IMPORT = "dataset-import"


def run_moved(work: Work, move: RunMove) -> None:
    """Told to whoever launched it. An import is told as what it makes of the data set."""
    if move.pipeline == IMPORT:
        _import_moved(work, move)
        return
    found = _ended(work, move)
    if found is None:
        return
    kind, outcome, text = found
    label = f" on {move.label}" if move.label else ""
    tell(
        work,
        [move.actor_id],
        kind,
        subject_id=move.run_id,
        title=f"Run #{move.number}{label} {outcome}",
        text=text,
        url=f"/runs/{move.run_id}",
    )


def _ended(work: Work, move: RunMove) -> tuple[Kind, str, str] | None:
    if move.status == "failed":
        return Kind.RUN_FAILED, "failed", move.message
    if move.status == "cancelled":
        return _cancelled(work, move)
    if move.status != "succeeded":
        return None
    # What a run says at its success is why its gate stayed closed.
    if move.message:
        return Kind.GATE_CLOSED, "did not pass the gate", move.message
    return Kind.RUN_SUCCEEDED, "succeeded", "Read its report, and what it made."


def _cancelled(work: Work, move: RunMove) -> tuple[Kind, str, str] | None:
    """Nobody is told of what they did themselves."""
    by = last_actor(work.session, move.run_id, "run.cancelled")
    if by is None or by == move.actor_id:
        return None
    name = actor_names(work.session, [by]).get(by, by)
    return Kind.RUN_CANCELLED, "was cancelled", f"{name} cancelled it. It can be retried."


def _import_moved(work: Work, move: RunMove) -> None:
    named = version_by_id(work.session, move.subject_id) if move.subject_id else None
    if named is None:
        return
    version, name = named.version, f"{named.dataset.name} v{named.version.number}"
    if move.status == "failed":
        kind, title, text = Kind.IMPORT_FAILED, f"{name} could not be imported", move.message
    elif move.status != "succeeded":
        return
    elif version.status == VersionStatus.NEEDS_CONFIRMATION:
        kind, title = Kind.IMPORT_DOUBTFUL, f"{name} waits for confirmation"
        read = (version.rows or 0) + (version.rejected or 0)
        text = f"{version.rejected or 0:,} of {read:,} rows were rejected."
    else:
        kind, title = Kind.IMPORT_READY, f"{name} is ready"
        text = f"{version.rows or 0:,} rows, {version.rejected or 0:,} rejected."
    url = f"/datasets/{named.dataset.id}/v/{version.number}"
    tell(work, [move.actor_id], kind, subject_id=version.id, title=title, text=text, url=url)


def version_moved(work: Work, move: VersionMove) -> None:
    queries.settle(work.session, Kind.VERSION_WAITS, move.version_id)
    name = f"{move.model} v{move.number}"
    approvers = set(able_to(work.session, Role.APPROVER))
    by = actor_names(work.session, [move.actor_id, move.author_id])
    if move.status == ApprovalStatus.PENDING:
        people, kind, title = approvers - {move.author_id}, Kind.VERSION_WAITS, f"{name} waits for a decision"
        text = f"Made by a run of {by.get(move.author_id, 'a deleted user')}."
    elif move.status == Validity.VOIDED:
        people, kind, title = approvers | {move.author_id}, Kind.VERSION_VOIDED, f"{name} is void"
        text = move.reason
    else:
        people = {move.author_id} - {move.actor_id}
        approved = move.status == ApprovalStatus.APPROVED
        kind = Kind.VERSION_APPROVED if approved else Kind.VERSION_REJECTED
        title = f"{name} was {'approved' if approved else 'rejected'} by {by.get(move.actor_id, 'somebody')}"
        text = move.reason
    url = f"/approvals/{move.version_id}"
    tell(work, people, kind, subject_id=move.version_id, title=title, text=text, url=url)
