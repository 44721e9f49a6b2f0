"""A version that a pipeline at SageMaker registered there, too: its package is taken over, not made anew."""

from app.core.services import RunMove
from app.core.work import Work
from app.registry.cloud.service import note_package
from app.runs import queries
from app.runs.cloud.following import package_of
from app.runs.states import RunStatus

REGISTER = "register"


def run_moved(work: Work, move: RunMove) -> None:
    """Told of every run's new status, inside the transaction that changes it."""
    if move.status != RunStatus.SUCCEEDED or not (arn := package_of(work, move.run_id)):
        return
    for step in queries.steps_of(work.session, move.run_id):
        if step.kind == REGISTER and step.result and "model_version_id" in step.result:
            note_package(work, step.result["model_version_id"], arn)
