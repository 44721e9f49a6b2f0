"""Brings one version and its package into step: whoever moved is followed, as far as our rules allow it.

Every look starts from what both sides show now, so it may be done again at any time, and is done once.
"""

from collections.abc import Mapping
from typing import Any

import structlog

from app.accounts import audit
from app.accounts.queries import actor_names
from app.core import changes
from app.core.errors import Conflict, FittingRoomError, Unavailable
from app.core.services import Services
from app.core.work import Work
from app.integrations.aws.clients import Aws, aws_of
from app.registry import approval, evidence
from app.registry import queries as registry
from app.registry.cloud import packages, queries
from app.registry.cloud.archive import checked_tree, model_data
from app.registry.cloud.packages import Package
from app.registry.cloud.reconcile import Act, Side, Verdict, verdict
from app.registry.cloud.tables import CloudModel, CloudPackage
from app.registry.queries import NamedVersion
from app.registry.service import get_version
from app.registry.tables import ApprovalStatus, Decision, ModelVersion, Validity

log = structlog.get_logger()

LEASE_SECONDS = 120.0  # an upload may take longer: a token spares AWS a second package even then
ACTOR_LIMIT = 40


class PackageBusy(Unavailable):
    title = "Another worker is at it"


def package_sender(services: Services, payload: Mapping[str, Any]) -> None:
    """The outbox's. AWS away leaves the message where it is; a refusal stands on the version's page."""
    version_id = str(payload["version_id"])
    with services.works.reading() as work:
        if registry.version_by_id(work.session, version_id) is None:
            return  # it was deleted since
    sync_version(services, version_id)


def sync_version(services: Services, version_id: str) -> Act:
    with services.works.writing() as work:
        named = get_version(work, version_id)
        model = queries.synced_model(work.session, named.model.id)
        if model is None:
            return Act.NOTHING
        if not queries.claim(work.session, version_id, LEASE_SECONDS):
            raise PackageBusy("Another worker is at this version's package.", retry_after=5)
    try:
        act = _synced(services, named, model)
    except FittingRoomError as refusal:
        _note_problem(services, version_id, f"{refusal.message} {refusal.advice}".strip())
        if isinstance(refusal, Unavailable):
            raise
        log.warning("package_problem", version_id=version_id, problem=refusal.message)
        return Act.NOTHING
    except evidence.EvidenceChanged as change:
        approval.void(services, version_id, str(change), approval.SYSTEM)
        _note_problem(services, version_id, str(change))
        return Act.NOTHING
    return act


def _synced(services: Services, named: NamedVersion, model: CloudModel) -> Act:
    with services.works.reading() as work:
        aws = aws_of(services, work)
    package = _package(services, aws, named, model)
    with services.works.reading() as work:
        named = get_version(work, named.version.id)
        row = queries.package_of(work.session, named.version.id)
        last = next(iter(registry.decisions_of(work.session, named.version.id)), None)
    ours = Side(status_of(named.version), last.at if last else named.version.created_at)
    found = verdict(ours, Side(package.status, package.at), row.agreed, _void_reason(named.version))
    match found.act:
        case Act.PULL:
            found = _pull(services, aws, named, package, found)
        case Act.PUSH | Act.PUT_BACK:
            _push(services, aws, named, package, found, _said(services, named, last, found))
    _note_step(services, aws, named, package.arn)
    return found.act


def status_of(version: ModelVersion) -> ApprovalStatus:
    """What AWS shall show. A void version is served nowhere, whatever was decided on it."""
    void = version.validity == Validity.VOIDED
    return ApprovalStatus.REJECTED if void else ApprovalStatus(version.status)


def _void_reason(version: ModelVersion) -> str:
    return version.void_reason if version.validity == Validity.VOIDED else ""


def _package(services: Services, aws: Aws, named: NamedVersion, model: CloudModel) -> Package:
    """The version's own: noted, found by its evidence, or made."""
    group = model.group_name
    arn = packages.ensure_group(services, aws, named.model, group)
    with services.works.writing() as work:
        work.session.get_one(CloudModel, model.model_id).group_arn = arn
        noted = queries.package_of(work.session, named.version.id).arn
    sha = named.version.evidence_sha256
    package = packages.describe(aws, noted) if noted else packages.find(aws, group, sha)
    if package is None:
        data = model_data(services, aws, named, checked_tree(services, named))
        package = packages.create(services, aws, named, group, data, noted)
        _note_data(services, named.version.id, data)
    elif package.evidence_sha256 != sha:
        packages.mark(aws, package.arn, named)
    with services.works.writing() as work:
        queries.package_of(work.session, named.version.id).arn = package.arn
    return package


def _pull(services: Services, aws: Aws, named: NamedVersion, package: Package, found: Verdict) -> Verdict:
    """A decision that was taken at AWS becomes ours, by the same checks; else it is put back there."""
    comment = f"Decided at AWS by {package.by}. {package.said}".strip()
    details = {"at_aws": package.arn, "by": package.by, "conflict": found.conflict}
    try:
        approval.decide_elsewhere(
            services, named, _actor(package.by), package.status, comment, package.at, details
        )
    except approval.VersionVoided as refusal:
        back = Verdict(Act.PUT_BACK, refusal.message, found.conflict)
    except Conflict:
        return Verdict(Act.NOTHING)  # somebody decided here just now: the next look compares again
    else:
        return found
    with services.works.reading() as work:
        named = get_version(work, named.version.id)
    _push(services, aws, named, package, back, f"Put back by Fitting Room: {back.reason}")
    return back


def _actor(by: str) -> str:
    """``aws:`` and the name, or the end of the ARN that tells who it was; the whole stands in the audit."""
    whole = f"aws:{by}"
    return whole if len(whole) <= ACTOR_LIMIT else f"aws:{by.rpartition('/')[2]}"[:ACTOR_LIMIT]


def _push(
    services: Services, aws: Aws, named: NamedVersion, package: Package, found: Verdict, said: str
) -> None:
    status = status_of(named.version)
    packages.update(aws, package.arn, status, said)
    word = "put_back" if found.act == Act.PUT_BACK else "updated"
    details: dict[str, object] = {
        "package": package.arn,
        "before": package.status,
        "after": status,
        "reason": found.reason,
    }
    if found.act == Act.PUT_BACK:
        details |= {"by": package.by, "conflict": found.conflict}
    with services.works.writing() as work:
        audit.record(work.session, approval.SYSTEM, f"model_package.{word}", named.version.id, details)


def _said(services: Services, named: NamedVersion, last: Decision | None, found: Verdict) -> str:
    if found.act == Act.PUT_BACK:
        return f"Put back by Fitting Room: {found.reason}"
    if named.version.validity == Validity.VOIDED:
        return f"Void in Fitting Room: {named.version.void_reason}"
    if last is None:
        return f"{named.version.status} in Fitting Room."
    with services.works.reading() as work:
        name = actor_names(work.session, [last.actor_id]).get(last.actor_id, last.actor_id)
    return f"{last.after} in Fitting Room by {name}: {last.comment}"


def _note_step(services: Services, aws: Aws, named: NamedVersion, arn: str) -> None:
    """Both show the same now; what AWS shows is asked once more, since our own change has a time there."""
    seen = packages.describe(aws, arn)
    with services.works.writing() as work:
        version = get_version(work, named.version.id).version
        row = queries.package_of(work.session, version.id)
        row.busy_until, row.problem = None, ""
        if seen:
            row.seen_status, row.seen_by, row.seen_at = seen.status, seen.by[:300], seen.at
            if seen.status == status_of(version):
                row.agreed = seen.status
        row.synced_at = _clock(work)
        changes.bump(work.session, version.id)


def _note_problem(services: Services, version_id: str, problem: str) -> None:
    with services.works.writing() as work:
        row = queries.package_of(work.session, version_id)
        row.busy_until, row.problem = None, problem
        changes.bump(work.session, version_id)


def _note_data(services: Services, version_id: str, data: str) -> None:
    with services.works.writing() as work:
        queries.package_of(work.session, version_id).model_data = data


def check_all(services: Services) -> Mapping[str, Any]:
    """The recurring look: what was decided at AWS, and what could not be done before."""
    with services.works.reading() as work:
        models = queries.synced_models(work.session)
    counts = {"models": len(models), "looked_at": 0, "changed": 0, "problems": 0}
    for model in models:
        for version_id in _out_of_step(services, model.id):
            counts["looked_at"] += 1
            counts["changed"] += sync_version(services, version_id) != Act.NOTHING
    with services.works.reading() as work:
        counts["problems"] = queries.problem_count(work.session)
    return counts


def _out_of_step(services: Services, model_id: str) -> list[str]:
    """One list a model, not a look at each package: only what differs from what was agreed is looked at."""
    with services.works.reading() as work:
        aws = aws_of(services, work)
        row = work.session.get_one(CloudModel, model_id)
        versions = registry.versions_of(work.session, model_id)
        rows = queries.packages(work.session, [version.id for version in versions])
    there = packages.statuses(aws, row.group_name) if row.group_arn else {}
    with services.works.writing() as work:
        work.session.get_one(CloudModel, model_id).checked_at = _clock(work)
    return [version.id for version in versions if _differs(version, rows.get(version.id), there)]


def _differs(version: ModelVersion, row: CloudPackage | None, there: Mapping[str, str]) -> bool:
    if row is None or row.problem or not row.agreed:
        return True
    # A package that a pipeline registered may stand in another group: it is asked by its own name.
    return row.agreed != status_of(version) or there.get(row.arn) != row.agreed


def _clock(work: Work) -> Any:
    return registry.clock(work.session)
