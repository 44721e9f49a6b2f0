"""What a worker does at AWS for the pages of the settings: check permissions, look what is there, delete.

Each is an errand: a page never waits for AWS, a worker that dies is followed by another, and what is tried
is what the workers may, who are the ones that start jobs.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from app.accounts import audit
from app.core.errors import Conflict
from app.core.security import Actor
from app.core.services import Services
from app.core.work import Work
from app.integrations.aws import queries
from app.integrations.aws.checks import check_all
from app.integrations.aws.clients import Aws, aws_in, aws_of, forget_clients
from app.integrations.aws.config import row_of
from app.integrations.aws.deletion import ENDED, ORDER, StillThere, delete, status_of
from app.integrations.aws.errors import CloudMissing, CloudNotSetUp, CloudRefused
from app.integrations.aws.operations import OPERATIONS
from app.integrations.aws.reconciliation import Present, all_present, is_ours
from app.integrations.aws.resources import note_problem, note_resource, note_state, resource_gone
from app.integrations.aws.tables import CloudResource
from app.integrations.errands import service
from app.integrations.errands.doing import Call
from app.integrations.errands.tables import Errand

CHECK, LOOK, DELETE = "cloud-check", "cloud-look", "cloud-delete"
DELETED = "cloud.deleted"


class ListChanged(Conflict):
    title = "The list has changed"


class ArtifactsStandThere(Conflict):
    title = "The product's own files stand there"


def order(work: Work, actor: Actor, kind: str, details: Mapping[str, Any] | None = None) -> Errand:
    """One at a time of each kind; asked for again, it is the one that is under way."""
    row = row_of(work)
    if row is None:
        raise CloudNotSetUp
    return service.order_alone(work, actor, kind, row.installation_id, details or {}, [kind])


def order_deletion(
    work: Work, actor: Actor, *, only: str | None = None, expected: int | None = None
) -> Errand:
    """All that stands in the ledger, or one. ``expected`` is how many a person was shown and agreed to."""
    standing = queries.standing(work.session)
    chosen = [each.id for each in standing if only in (None, each.id)]
    if expected is not None and expected != len(chosen):
        raise ListChanged(
            f"There are {len(chosen)} resources by now, and you were asked about {expected}.",
            "Look at the list again.",
        )
    if not chosen:
        raise ListChanged("There is nothing to delete.", "Reload the page.")
    errand = order(work, actor, DELETE, {"ids": chosen})
    audit.record(work.session, actor.id, DELETED, only or errand.subject_id, {"resources": len(chosen)})
    return errand


def check(services: Services, call: Call) -> Mapping[str, Any]:
    forget_clients()  # whoever renewed credentials and checks wants these to be tried
    with services.works.reading() as work:
        aws = aws_of(services, work)
    findings = []
    for finding in check_all(aws):
        findings.append(asdict(finding))
        call.report(len(findings), len(OPERATIONS) + 1, finding.purpose)
    failed = sum(finding["state"] == "failed" for finding in findings)
    return {"findings": findings, "failed": failed, "region": aws.config.region}


def look(services: Services, call: Call) -> Mapping[str, Any]:
    """First what stands in the ledger is asked about, then what stands at AWS is looked up in the ledger."""
    with services.works.reading() as work:
        aws = aws_of(services, work)
        standing = queries.standing(work.session)
    gone = [each for each in standing if not _refreshed(services, aws, each, call)]
    known = {(each.kind, each.name) for each in standing if each.region == aws.config.region}
    unknown = [each for each in all_present(aws) if (each.kind, each.name) not in known]
    ours = [each for each in unknown if is_ours(aws, each)]
    with services.works.writing() as work:
        for each in ours:
            found = note_resource(
                work, each.kind, each.name, arn=each.arn, region=aws.config.region, subject_id=None
            )
            note_state(work, found.id, each.state)
    return {
        "looked_at": len(standing),
        "gone": [_named(each) for each in gone],
        "found": [_named(each) for each in ours],
        "foreign": [_named(each) for each in unknown if each not in ours],
    }


def delete_resources(services: Services, call: Call) -> Mapping[str, Any]:
    """What can't be deleted is told with its reason and does not hold the rest up. Where AWS is away all of
    it is tried again: what is gone by then is not in the list any more."""
    with services.works.reading() as work:
        aws = aws_of(services, work)
        wanted = set(call.details["ids"])
        chosen = [each for each in queries.standing(work.session) if each.id in wanted]
    chosen.sort(key=lambda each: (ORDER.index(each.kind), each.id))
    failed = []
    for number, each in enumerate(chosen):
        call.report(number, len(chosen), f"{each.kind} {each.name}")
        if reason := _deleted(services, aws_in(aws, each.region), each, call):
            failed.append({**_named(each), "reason": reason})
    return {"deleted": len(chosen) - len(failed), "failed": failed}


def _deleted(services: Services, aws: Aws, resource: CloudResource, call: Call) -> str:
    """Why not, in words; empty where it is gone."""
    try:
        _spare_artifacts(services.settings.storage, resource)
        delete(aws, resource, call.pause)
    except (CloudRefused, StillThere, ArtifactsStandThere) as error:
        with services.works.writing() as work:
            note_problem(work, resource.id, f"{error.message} {error.advice}".strip())
        return error.message
    with services.works.writing() as work:
        resource_gone(work, resource.kind, resource.name, region=resource.region)
    return ""


def _spare_artifacts(storage: str, resource: CloudResource) -> None:
    """An installation may keep its artifacts in the same bucket: a prefix above them is not to be emptied."""
    place, emptied = storage.rstrip("/") + "/", resource.name.rstrip("/") + "/"
    if storage.startswith("s3://") and (place.startswith(emptied) or emptied.startswith(place)):
        raise ArtifactsStandThere(f"{resource.name} holds the artifacts of FITTINGROOM_STORAGE.")


def _refreshed(services: Services, aws: Aws, resource: CloudResource, call: Call) -> bool:
    """Whether it is there. A job that has ended is as good as gone: it costs nothing and stays."""
    call.report(0, 1, f"{resource.kind} {resource.name}")
    try:
        status = status_of(aws_in(aws, resource.region), resource)
    except CloudMissing:
        status = "Deleted"
    with services.works.writing() as work:
        note_state(work, resource.id, status)
        if status in ENDED:
            resource_gone(work, resource.kind, resource.name, region=resource.region)
    return status not in ENDED


def _named(each: CloudResource | Present) -> dict[str, str]:
    return {"kind": each.kind, "name": each.name, "state": each.state}


DOERS = {CHECK: check, LOOK: look, DELETE: delete_resources}
