"""Models and their versions as things that people keep, see app.keeping.

A version that was ever approved or deployed stays for good: what was decided and what answered must be
readable later. A model goes when it has no version left.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from app.core.errors import Conflict
from app.core.services import Keeper, Services, Subject
from app.core.work import Work
from app.registry import queries
from app.registry.queries import NamedVersion
from app.registry.subject_queries import ever_approved, models_by_id, remove_model, remove_version
from app.registry.tables import ApprovalStatus, Model, Validity
from app.runs.starting import model_name
from app.runs.tables import Step


class NameTaken(Conflict):
    title = "The name is taken"


def describe_models(work: Work, ids: Sequence[str]) -> dict[str, Subject]:
    return {model.id: _model(work, model) for model in models_by_id(work.session, ids)}


def _model(work: Work, model: Model) -> Subject:
    versions = queries.versions_of(work.session, model.id)
    numbers = ", ".join(f"v{version.number}" for version in versions[:5]) + ("…" if versions[5:] else "")
    return Subject(
        id=model.id,
        kind="model",
        title=model.name,
        url=f"/models/{quote(model.name)}",
        list_url="/models",
        owner_id=model.created_by,
        name=model.name,
        renaming="Programs and commands that name it need the new name, and a run that was launched for the "
        "old name registers its version under that one. Its endpoints go on answering.",
        refusals=[f"It has versions: {numbers}. Delete them first."] if versions else [],
        goes="The model's name. It has no version left.",
    )


def describe_versions(work: Work, ids: Sequence[str]) -> dict[str, Subject]:
    approved = ever_approved(work.session, ids)
    named = queries.named_versions(work.session, ids)
    return {each: _version(found, each in approved) for each, found in named.items()}


def _version(named: NamedVersion, approved: bool) -> Subject:
    version = named.version
    title = f"{named.model.name} v{version.number}"
    return Subject(
        id=version.id,
        kind="model version",
        title=title,
        state=version.status if version.validity == Validity.VALID else version.validity,
        url=f"/models/{quote(named.model.name)}/versions/{version.number}",
        owner_id=version.author_id,
        parent_id=named.model.id,
        holds=_holds(named, title),
        refusals=["It was approved: what was decided stays readable."] if approved else [],
        alone=True,
        goes="The version with its decisions. Its number is never given again; the run that made it stays.",
    )


def _holds(named: NamedVersion, title: str) -> str:
    version = named.version
    if version.live_on:
        return f"{title} answers on {', '.join(version.live_on)}."
    if version.validity == Validity.VALID and version.status == ApprovalStatus.APPROVED:
        return f"{title} is approved."
    if version.validity == Validity.VALID and version.status == ApprovalStatus.PENDING:
        return f"{title} waits for a decision."
    return ""


def rename_model(work: Work, subject_id: str, name: str) -> None:
    wanted = model_name(name.strip())
    other = queries.model_by_name(work.session, wanted)
    if other is not None and other.id != subject_id:
        raise NameTaken(f"There is a model {wanted!r} already.", "Choose another name.")
    work.session.get_one(Model, subject_id).name = wanted


def delete_version(work: Work, _services: Services, _actor_id: str, subject_id: str) -> Mapping[str, Any]:
    """The step that registered it says so from now on, so that its run's page names no version."""
    version = queries.locked_version(work.session, subject_id)
    assert version is not None, "app.keeping has just described it"
    taken = {
        "number": version.number,
        "status": version.status,
        "run_id": version.run_id,
        "evidence_sha256": version.evidence_sha256,
        "decisions": [
            {"after": each.after, "comment": each.comment, "actor_id": each.actor_id}
            for each in queries.decisions_of(work.session, version.id)
        ],
    }
    step = work.session.get(Step, version.step_id)
    if step is not None and step.result:
        step.result = {**step.result, "deleted": True}
    remove_version(work.session, version.id)
    return taken


def delete_model(work: Work, _services: Services, _actor_id: str, subject_id: str) -> Mapping[str, Any]:
    remove_model(work.session, subject_id)
    return {}


MODELS = Keeper(describe_models, delete_model, rename_model)
VERSIONS = Keeper(describe_versions, delete_version)
