"""The verbs of approval: decide on a version, read its evidence again, void it.

An approval is one guarded UPDATE with its audit row in the same transaction. The evidence is read again
before it, outside any transaction: hashing hundreds of megabytes must not hold a database's lock.
"""

from collections.abc import Mapping
from datetime import datetime

from app.accounts import audit
from app.accounts.queries import actor_names, other_approvers
from app.core import changes
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.ids import new_id
from app.core.pages import when
from app.core.security import Actor, Role
from app.core.services import Services
from app.core.settings import Settings
from app.core.storage import StoredFile, Tree
from app.core.work import Work
from app.registry import evidence, queries
from app.registry.queries import NamedVersion
from app.registry.service import get_version, tell
from app.registry.tables import ApprovalStatus, Decision, ModelVersion, Validity

SYSTEM = "system"
VERIFIED = "model_version.verified"
COMMENT_LIMIT = 4000
# A version that was decided on can only lose its approval: the way back to Approved is a new version.
MOVES = {
    ApprovalStatus.PENDING: frozenset({ApprovalStatus.APPROVED, ApprovalStatus.REJECTED}),
    ApprovalStatus.APPROVED: frozenset({ApprovalStatus.REJECTED}),
    ApprovalStatus.REJECTED: frozenset(),
}


class StaleDecision(Conflict):
    title = "Already decided"


class OwnVersion(Conflict):
    title = "This version is your own"


class NotApproved(Conflict):
    title = "The version is not approved"


class VersionVoided(Conflict):
    title = "The version is void"


class CommentMissing(Invalid):
    title = "A comment is missing"


def why_not(
    work: Work, settings: Settings, version: ModelVersion, actor: Actor
) -> Forbidden | Conflict | None:
    """What keeps this actor from deciding on this version now, or None."""
    if not actor.may(Role.APPROVER):
        return Forbidden(
            f"Deciding needs the role approver; you are {actor.role}.", "Ask an approver or administrator."
        )
    if version.validity == Validity.VOIDED:
        return _voided(version)
    if not MOVES[ApprovalStatus(version.status)]:
        return StaleDecision(_decided_text(work, version), "Register a new version to change this.")
    if version.author_id == actor.id and not _may_decide_own(work, settings, actor):
        return OwnVersion(
            "You started the run that made this version, so somebody else decides on it.",
            "Ask another approver, or set FITTINGROOM_SELF_APPROVAL.",
        )
    return None


def _may_decide_own(work: Work, settings: Settings, actor: Actor) -> bool:
    if settings.self_approval != "auto":
        return settings.self_approval == "always"
    return other_approvers(work.session, actor.id) == 0


def decide(
    services: Services,
    version_id: str,
    actor: Actor,
    *,
    after: ApprovalStatus,
    comment: str,
    row_version: int,
) -> NamedVersion:
    """Approve or reject. Of any number of decisions on one ``row_version`` exactly one stands."""
    text = _comment(comment)
    with services.works.reading() as work:
        version = get_version(work, version_id).version
        _refuse(work, services.settings, version, actor, after, row_version)
    verify(services, version, actor.id)
    with services.works.writing() as work:
        version = get_version(work, version_id).version
        _refuse(work, services.settings, version, actor, after, row_version)
        _apply(work, version, actor.id, after, text)
        named = get_version(work, version_id)
        tell(work, services, named, after, actor.id, text)
        return named


def decide_elsewhere(
    services: Services,
    named: NamedVersion,
    actor_id: str,
    after: ApprovalStatus,
    comment: str,
    at: datetime,
    details: Mapping[str, object],
) -> NamedVersion:
    """A decision that somebody took in another registry, at ``at``. The evidence is read again as for ours.

    Roles and authorship are not asked: who has the right to decide there is that registry's to say, and
    ``comment`` and the audit say where it was decided.
    """
    seen = named.version.row_version
    verify(services, named.version, actor_id)
    with services.works.writing() as work:
        version = get_version(work, named.version.id).version
        if version.validity == Validity.VOIDED:
            raise _voided(version)
        if version.row_version != seen or after not in MOVES[ApprovalStatus(version.status)]:
            raise StaleDecision(_decided_text(work, version), "Look at the version again.", **_now(version))
        _apply(work, version, actor_id, after, comment[:COMMENT_LIMIT], at, details)
        found = get_version(work, version.id)
        tell(work, services, found, after, actor_id, comment)
        return found


def _comment(text: str) -> str:
    stripped = text.strip()
    if not stripped:
        raise CommentMissing("A decision needs a comment.", "Say what convinced you, or what has to change.")
    if len(stripped) > COMMENT_LIMIT:
        raise CommentMissing(f"The comment has {len(stripped):,} characters.", f"At most {COMMENT_LIMIT:,}.")
    return stripped


def _refuse(
    work: Work, settings: Settings, version: ModelVersion, actor: Actor, after: ApprovalStatus, seen: int
) -> None:
    if version.row_version != seen:
        raise StaleDecision(_decided_text(work, version), "Look at the version again.", **_now(version))
    if reason := why_not(work, settings, version, actor):
        raise reason
    if after not in MOVES[ApprovalStatus(version.status)]:
        raise StaleDecision(_decided_text(work, version), "Look at the version again.", **_now(version))


def _apply(
    work: Work,
    version: ModelVersion,
    actor_id: str,
    after: ApprovalStatus,
    comment: str,
    at: datetime | None = None,
    more: Mapping[str, object] | None = None,
) -> None:
    before, seen = ApprovalStatus(version.status), version.row_version
    if not queries.move_status(work.session, version.id, before=before, after=after, row_version=seen):
        work.session.refresh(version)
        raise StaleDecision(_decided_text(work, version), "Look at the version again.", **_now(version))
    decision = Decision(
        id=new_id("dec"),
        version_id=version.id,
        before=before,
        after=after,
        comment=comment,
        actor_id=actor_id,
        evidence_sha256=version.evidence_sha256,
        at=at or queries.clock(work.session),
    )
    work.session.add(decision)
    work.session.flush()
    work.session.refresh(version)
    details = {
        "before": before,
        "after": after,
        "comment": comment,
        "evidence_sha256": version.evidence_sha256,
        **(more or {}),
    }
    audit.record(work.session, actor_id, f"model_version.{after.lower()}", version.id, details)
    changes.bump(work.session, version.id)


def verify(services: Services, version: ModelVersion, actor_id: str = SYSTEM) -> None:
    """Read everything the approval rests on again; a difference voids the version for good."""
    if version.validity == Validity.VOIDED:
        raise _voided(version)
    try:
        evidence.check(services.storage, version.evidence, version.evidence_sha256)
    except evidence.EvidenceChanged as change:
        raise void(services, version.id, str(change), actor_id) from None


def verify_now(services: Services, version: ModelVersion, actor: Actor) -> list[StoredFile]:
    """Somebody wants to know: the same reading as before a decision, and the audit says who asked when."""
    verify(services, version, actor.id)
    files = evidence.named_files(version.evidence)
    with services.works.writing() as work:
        details = {"files": len(files), "evidence_sha256": version.evidence_sha256}
        audit.record(work.session, actor.id, VERIFIED, version.id, details)
    return files


def require_servable(version: ModelVersion) -> None:
    """Raise unless people approved the version and its files are still those that were approved."""
    if version.validity == Validity.VOIDED:
        raise _voided(version)
    if version.status != ApprovalStatus.APPROVED:
        raise NotApproved(
            f"The version is {version.status}, not Approved.", "Only approved versions are served."
        )


def model_files(services: Services, version: ModelVersion) -> Tree:
    """The only way to a version's files for serving: each one read again, bound by the approval."""
    require_servable(version)
    with services.works.reading() as work:
        last = next(iter(queries.decisions_of(work.session, version.id)), None)
    if last is None or last.evidence_sha256 != version.evidence_sha256:
        raise void(services, version.id, "It was approved on other evidence than is recorded now.", SYSTEM)
    try:
        evidence.check_document(version.evidence, version.evidence_sha256)
        tree = evidence.model_tree(version.evidence)
        for file in tree.files:
            evidence.check_file(services.storage, file)
    except evidence.EvidenceChanged as change:
        raise void(services, version.id, str(change), SYSTEM) from None
    return tree


def void(services: Services, version_id: str, reason: str, actor_id: str) -> VersionVoided:
    """Mark the version void, once, with its audit row. The refusal is returned for the caller to raise."""
    with services.works.writing() as work:
        if queries.make_void(work.session, version_id, reason):
            audit.record(work.session, actor_id, "model_version.voided", version_id, {"reason": reason})
            changes.bump(work.session, version_id)
            tell(work, services, get_version(work, version_id), Validity.VOIDED, actor_id, reason)
        return _voided(get_version(work, version_id).version)


def _voided(version: ModelVersion) -> VersionVoided:
    return VersionVoided(
        f"This version is void. {version.void_reason}",
        "Restore the file from a backup and run the pipeline again: a void version stays void.",
        validity=version.validity,
    )


def _decided_text(work: Work, version: ModelVersion) -> str:
    """Who was faster, and when: what the loser of a race needs to read."""
    last = next(iter(queries.decisions_of(work.session, version.id)), None)
    if last is None:
        return f"The version has changed since; it is {version.status} now."
    name = actor_names(work.session, [last.actor_id]).get(last.actor_id, last.actor_id)
    return f"Already {last.after.lower()} by {name} at {when(last.at)}."


def _now(version: ModelVersion) -> dict[str, object]:
    return {"status_now": version.status, "row_version": version.row_version}
