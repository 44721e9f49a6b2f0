"""The verbs of the registry: register a version, find one, note where it answers."""

from typing import Any

from app.accounts import audit
from app.core.errors import Invalid, NotFound
from app.core.ids import new_id
from app.core.lineage import record_edge
from app.core.numbers import next_version
from app.core.services import NativeCall, Services, VersionMove
from app.core.work import Work
from app.registry import evidence, queries
from app.registry.queries import NamedVersion
from app.registry.tables import ApprovalStatus, Model, ModelVersion

SUMMARY = ("metrics", "baseline", "difference", "always_majority", "truncated", "verdict", "n", "split")
INITIAL = frozenset({ApprovalStatus.PENDING, ApprovalStatus.REJECTED})


class ModelNotFound(NotFound):
    title = "No such model version"


def register_version(work: Work, services: Services, call: NativeCall) -> dict[str, Any]:
    """The native step ``register``: runs inside the transaction that finishes the step."""
    earlier = queries.version_by_step(work.session, call.step_id)
    named = earlier or _new_version(work, services, call)
    model, version = named.model, named.version
    return {"model": model.name, "version": version.number, "model_version_id": version.id}


def _new_version(work: Work, services: Services, call: NativeCall) -> NamedVersion:
    document = evidence.gather(services.storage, call)
    spec = evidence.read_json(services.storage, call.inputs["model"].find("spec.json"))
    evaluation = evidence.read_json(services.storage, call.inputs["evaluation"].find(evidence.EVALUATION))
    model_id, number = next_version(work.session, Model, "md", _model_name(call), call.actor_id)
    version = ModelVersion(
        id=new_id("mv"),
        model_id=model_id,
        number=number,
        status=_initial_status(call),
        run_id=call.run_id,
        step_id=call.step_id,
        dataset_version_id=call.subject_id,
        author_id=call.actor_id,
        fields=list(spec["fields"]),
        labels=list(spec["labels"]),
        evaluation={name: evaluation[name] for name in SUMMARY if name in evaluation},
        evidence=document,
        evidence_sha256=evidence.digest(document),
        live_on=[],
    )
    work.session.add(version)
    work.session.flush()
    _trace(work, version)
    audit.record(
        work.session,
        call.actor_id,
        "model_version.registered",
        version.id,
        {"evidence_sha256": version.evidence_sha256, "run_id": call.run_id},
    )
    named = get_version(work, version.id)
    tell(work, services, named, version.status, call.actor_id)
    return named


def tell(
    work: Work, services: Services, named: NamedVersion, status: str, actor_id: str, reason: str = ""
) -> None:
    """Whoever listens learns of the version's new status within this transaction."""
    move = VersionMove(
        version_id=named.version.id,
        model_id=named.model.id,
        model=named.model.name,
        number=named.version.number,
        author_id=named.version.author_id,
        status=status,
        actor_id=actor_id,
        reason=reason,
    )
    for told in services.handlers.version_moved:
        told(work, move)


def _model_name(call: NativeCall) -> str:
    name = call.arguments.get("model") or call.parameters.get("model")
    if not name:
        raise Invalid("The run names no model to register under.", "Start it with a model name.")
    return str(name)


def _initial_status(call: NativeCall) -> ApprovalStatus:
    wanted = str(call.arguments.get("model_approval_status", ApprovalStatus.PENDING))
    if wanted not in INITIAL:
        raise Invalid(
            f"A version can't be registered as {wanted!r}.",
            "Use PendingManualApproval or Rejected; only a person approves.",
        )
    return ApprovalStatus(wanted)


def _trace(work: Work, version: ModelVersion) -> None:
    if version.dataset_version_id:
        record_edge(work.session, version.dataset_version_id, version.id, "trained_on")
    record_edge(work.session, version.run_id, version.id, "made_by")


def get_version(work: Work, version_id: str) -> NamedVersion:
    named = queries.version_by_id(work.session, version_id)
    if named is None:
        raise ModelNotFound("There is no such model version.", "All of them are listed under Models.")
    return named


def find_version(work: Work, model: str, number: int) -> NamedVersion:
    named = queries.version_by_number(work.session, model, number)
    if named is None:
        raise ModelNotFound(
            f"There is no version {number} of a model {model!r}.", "All of them are listed under Models."
        )
    return named


def find_model(work: Work, name: str) -> Model:
    model = queries.model_by_name(work.session, name)
    if model is None:
        raise ModelNotFound(f"There is no model {name!r}.", "All of them are listed under Models.")
    return model


def set_live(work: Work, version_id: str, endpoint: str, *, live: bool) -> None:
    """Kept by deployments, so that pages of the registry need not ask the features above."""
    version = queries.locked_version(work.session, version_id)
    assert version is not None
    names = set(version.live_on) - {endpoint}
    version.live_on = sorted(names | {endpoint} if live else names)
