"""Steps without a program: the gate is decided here, the others by the handler connected to their kind.

They run inside the transaction that finishes them, so a model version is registered exactly when its
step has succeeded.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from app.core.errors import Invalid
from app.core.services import NativeCall, Services
from app.core.storage import Storage
from app.core.work import Work
from app.runs import queries
from app.runs.caching import input_trees
from app.runs.spec import ConditionSpec, StepSpec
from app.runs.tables import Run, Step
from ml.pipeline.conditions import Check, PropertyMissing, read_property, verdict
from ml.pipeline.fanout import shard_name

GATE = "gate"
PROGRAM = "program"


class PropertyUnreadable(Invalid):
    title = "The gate found no number to compare"


def known_kinds(services: Services) -> list[str]:
    """What this process can execute; a step of any other kind is left for a newer worker."""
    return sorted({PROGRAM, GATE, *services.handlers.native})


def perform(work: Work, services: Services, step: Step) -> Mapping[str, Any]:
    """The step's result. A FittingRoomError fails the step with its message."""
    if step.kind == GATE:
        return decide(services.storage, step, queries.steps_of(work.session, step.run_id))
    handler = services.handlers.native[step.kind]
    return handler(work, services, _call(work, services, step))


def decide(storage: Storage, gate: Step, steps: list[Step]) -> dict[str, object]:
    """A condition that does not hold is an outcome with reasons, never an error."""
    artifacts = {step.name: step.artifact for step in steps}
    conditions = StepSpec.from_json(gate.spec).conditions
    return verdict([_check(storage, condition, artifacts) for condition in conditions])


def _check(storage: Storage, condition: ConditionSpec, artifacts: Mapping[str, str | None]) -> Check:
    artifact = artifacts[condition.step]
    assert artifact is not None, "a gate becomes ready only after the steps it reads have succeeded"
    document = storage.read_bytes(storage.tree(artifact).find(condition.file).sha256)
    try:
        value = read_property(document, condition.path)
    except (PropertyMissing, ValueError):
        raise PropertyUnreadable(
            f"{condition.step} left no number at {condition.path} in {condition.file}.",
            f"Look at {condition.file} among the artifacts of {condition.step}.",
        ) from None
    return Check(condition.label, value, condition.comparison, condition.threshold)


def _call(work: Work, services: Services, step: Step) -> NativeCall:
    run = work.session.get_one(Run, step.run_id)
    steps = queries.steps_of(work.session, run.id)
    return NativeCall(
        run_id=run.id,
        step_id=step.id,
        actor_id=run.actor_id,
        subject_id=run.subject_id,
        parameters={**run.parameters, "model": run.model} if run.model else run.parameters,
        arguments=StepSpec.from_json(step.spec).arguments,
        inputs=input_trees(work.session, services.storage, step),
        programs=_programs(steps),
    )


def _programs(steps: Sequence[Step]) -> dict[str, str]:
    """The version that each step ran, by its name; of shards that ran the same, the first one's."""
    found: dict[str, str] = {}
    for step in steps:
        first = found.get(shard_name(step.part_of, 1)) if step.part_of else None
        if step.program_version and step.program_version != first:
            found[step.name] = step.program_version
    return found
