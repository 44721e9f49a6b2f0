"""The verbs of keeping a model in step with SageMaker's registry: switch it on or off, ask for a look now.

They write down and send nothing: the workers' couriers deliver, also what was decided while AWS was away.
"""

from app.accounts import audit
from app.core import changes
from app.core.errors import Conflict
from app.core.outbox import FAR, enqueue
from app.core.security import Actor
from app.core.services import Services, VersionMove
from app.core.work import Work
from app.integrations.aws.config import config_of
from app.integrations.aws.errors import CloudNotSetUp
from app.registry.cloud import queries
from app.registry.cloud.packages import group_name
from app.registry.cloud.tables import CloudModel
from app.registry.queries import versions_of
from app.registry.service import find_model, get_version
from app.registry.tables import Model

SYNC = f"{FAR}package"


class NotInStep(Conflict):
    title = "The model is not kept in step"


def switch(work: Work, services: Services, actor: Actor, name: str, *, on: bool) -> Model:
    """On: every version gets a package. Off: what stands at AWS stays as it is."""
    model = find_model(work, name)
    if on and config_of(work, services.settings) is None:
        raise CloudNotSetUp
    row = work.session.get(CloudModel, model.id)
    if row is None:
        row = CloudModel(model_id=model.id, sync=False, group_name=group_name(model), switched_by=actor.id)
        work.session.add(row)
    if row.sync != on:
        row.sync, row.switched_by, row.problem = on, actor.id, ""
        word = "on" if on else "off"
        audit.record(work.session, actor.id, f"model.sync_{word}", model.id, {"group": row.group_name})
        changes.bump(work.session, model.id)
    work.session.flush()
    if on:
        _ask(work, model)
    return model


def ask(work: Work, name: str) -> Model:
    """Somebody wants the two compared now."""
    model = find_model(work, name)
    if queries.synced_model(work.session, model.id) is None:
        raise NotInStep(f"{model.name} is not kept in step with SageMaker’s registry.", "Switch it on first.")
    _ask(work, model)
    return model


def _ask(work: Work, model: Model) -> None:
    for version in versions_of(work.session, model.id):
        enqueue(work.session, SYNC, {"version_id": version.id})


def version_moved(work: Work, move: VersionMove) -> None:
    """Told of every new status, inside the transaction that decides it."""
    if queries.synced_model(work.session, move.model_id):
        enqueue(work.session, SYNC, {"version_id": move.version_id})


def note_package(work: Work, version_id: str, arn: str) -> None:
    """A pipeline at SageMaker has registered a package for this version: it becomes the version's own."""
    queries.package_of(work.session, version_id).arn = arn
    if queries.synced_model(work.session, get_version(work, version_id).model.id):
        enqueue(work.session, SYNC, {"version_id": version_id})
    changes.bump(work.session, version_id)
