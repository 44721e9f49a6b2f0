"""Starting a run: parameters checked, steps written down, the first ones ready."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

from sqlalchemy.exc import IntegrityError

from app.accounts import audit
from app.core.errors import Conflict, Invalid
from app.core.ids import new_id
from app.core.lineage import record_edge
from app.core.numbers import next_number
from app.core.services import Messenger, Services, Standing
from app.core.work import Work
from app.runs import launch_compute, queries, service
from app.runs.advancing import record_event, settle
from app.runs.launch_compute import LOCAL, PIPELINE, Wanted
from app.runs.leases import MAX_ATTEMPTS
from app.runs.places import known_device, priority_of
from app.runs.recipes.queries import with_saved
from app.runs.spec import ComputeSpec, kind_of, queue_of, spec_of
from app.runs.standing import standing_of
from app.runs.states import RunStatus, StepState
from app.runs.tables import Run, Step
from ml.pipeline.definition import ParameterValue, Pipeline, ProgramStep
from ml.pipeline.definition import Step as Defined
from ml.pipeline.fanout import fanned_out
from ml.pipeline.resolve import BadParameters, resolve_parameters

KEY_LIMIT = 200


class UnknownPipeline(Invalid):
    """The pipeline is not in the catalogue."""


class ParametersRefused(Invalid):
    """``problems`` in the details holds one sentence a parameter, for the form to show beside it."""

    title = "A parameter can't be used"


class KeyReused(Invalid):
    """An Idempotency-Key came again with another request."""

    title = "The Idempotency-Key was used before"


class InputMissing(Conflict):
    title = "Something the run needs is missing"


@dataclass(frozen=True)
class LaunchRequest:
    """``inputs`` maps each of the pipeline's inputs to the sha256 of a tree. ``subject_id`` is what the
    run is about: a data set version. ``model`` names the model that gets a new version. ``compute`` is where
    its programs run, ``computes`` and ``instance_types`` where and on what single steps do."""

    pipeline: str
    actor_id: str
    inputs: Mapping[str, str]
    parameters: Mapping[str, object] = field(default_factory=dict)
    recipe: str | None = None
    subject_id: str | None = None
    label: str = ""
    model: str | None = None
    idempotency_key: str | None = None
    priority: str = "normal"
    device: str = "auto"
    compute: str = LOCAL
    computes: Mapping[str, str] = field(default_factory=dict)
    instance_types: Mapping[str, str] = field(default_factory=dict)

    @property
    def placement(self) -> Wanted:
        return Wanted(self.compute, self.computes, self.instance_types)

    @property
    def digest(self) -> str:
        """Equal for equal requests, whatever their key."""
        content = {**asdict(self), "idempotency_key": None}
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True)
class RunLauncher:
    """The one way in which a run comes into being. Implements app.core.services.Launcher."""

    pipelines: Mapping[str, Pipeline]
    messenger: Messenger

    def launch(
        self,
        work: Work,
        *,
        actor_id: str,
        pipeline: str,
        inputs: Mapping[str, str],
        parameters: Mapping[str, ParameterValue],
        subject_id: str,
        label: str,
    ) -> str:
        """For features below this one: no recipe, no key, just the id back."""
        request = LaunchRequest(pipeline, actor_id, inputs, parameters, subject_id=subject_id, label=label)
        return self.start(work, request).id

    def standing(self, work: Work, run_id: str) -> Standing | None:
        return standing_of(work, run_id)

    def cancel(self, work: Work, services: Services, run_id: str, actor_id: str) -> None:
        service.cancel(work, services, run_id, actor_id)

    def start(self, work: Work, request: LaunchRequest) -> Run:
        """The new run, or the one that the same request with the same key made before."""
        if request.idempotency_key and (before := _before(work, request)):
            return before
        pipeline = with_saved(work.session, self.pipeline(request.pipeline))
        recipe = request.recipe or pipeline.default_recipe or None
        values = _resolved(pipeline, request.parameters, recipe)
        placed = launch_compute.settled(work, pipeline, request.placement, values)
        missing = set(pipeline.inputs) - request.inputs.keys()
        if missing:
            raise InputMissing(f"The input {', '.join(sorted(missing))} is missing.", "Name a data set.")
        try:
            with work.session.begin_nested():
                run = _new_run(work, request, recipe, values)
        except IntegrityError:  # the same key at the same moment: the other request has just committed
            if request.idempotency_key and (before := _before(work, request)):
                return before
            raise
        self._write_steps(work, run, pipeline, values, placed)
        record_event(work.session, run, "run", {"status": run.status, "message": ""})
        settle(work, run, self.messenger, ())
        details = {"number": run.number, "pipeline": run.pipeline, "recipe": run.recipe}
        audit.record(work.session, run.actor_id, "run.started", run.id, details)
        return run

    def _write_steps(
        self,
        work: Work,
        run: Run,
        pipeline: Pipeline,
        values: Mapping[str, ParameterValue],
        placed: Mapping[str, ComputeSpec],
    ) -> None:
        walked = pipeline if run.compute == PIPELINE else fanned_out(pipeline, values)
        divided = {step.part_of for step in walked.steps if isinstance(step, ProgramStep)}
        for position, step in enumerate(walked.steps):
            # What merges shards stays here: a job takes few inputs, and what it would read came back already.
            compute = None if step.name in divided else placed.get(_whole(step))
            spec = spec_of(walked, step, values, compute)
            if (
                compute and compute.host == PIPELINE
            ):  # its own cache decides: what we spared it would run there
                spec = replace(spec, cached=False)
            work.session.add(
                Step(
                    id=new_id("step"),
                    run_id=run.id,
                    pipeline=pipeline.name,
                    name=step.name,
                    position=position,
                    part_of=step.part_of if isinstance(step, ProgramStep) else None,
                    shard=step.shard if isinstance(step, ProgramStep) else None,
                    kind=kind_of(step, compute),
                    queue=queue_of(step, compute),
                    state=StepState.BLOCKED,
                    spec=spec.as_json(),
                    max_attempts=MAX_ATTEMPTS,
                )
            )
        work.session.flush()

    def pipeline(self, name: str) -> Pipeline:
        try:
            return self.pipelines[name]
        except KeyError:
            known = ", ".join(sorted(self.pipelines))
            raise UnknownPipeline(f"There is no pipeline {name!r}.", f"There are: {known}.") from None


def _whole(step: Defined) -> str:
    """The pipeline's step: a shard runs where the step runs that it is a part of."""
    return step.part_of or step.name if isinstance(step, ProgramStep) else step.name


def _before(work: Work, request: LaunchRequest) -> Run | None:
    key = request.idempotency_key or ""
    if len(key) > KEY_LIMIT:
        raise Invalid(f"An Idempotency-Key has at most {KEY_LIMIT} characters.", "Send a UUID.")
    run = queries.run_by_key(work.session, request.actor_id, key)
    if run and run.request_hash != request.digest:
        raise KeyReused(
            f"This Idempotency-Key started run #{run.number} with another request.",
            "Send a new key with a new request.",
            run_id=run.id,
        )
    return run


def _resolved(
    pipeline: Pipeline, given: Mapping[str, object], recipe: str | None
) -> dict[str, ParameterValue]:
    try:
        return resolve_parameters(pipeline, given, recipe)
    except BadParameters as error:
        problems = {problem.parameter: problem.message for problem in error.problems}
        raise ParametersRefused(
            str(error), "Correct the value, or leave it out for the default.", problems=problems
        ) from None


def _new_run(
    work: Work, request: LaunchRequest, recipe: str | None, values: Mapping[str, ParameterValue]
) -> Run:
    run = Run(
        id=new_id("run"),
        number=next_number(work.session, "run"),
        pipeline=request.pipeline,
        recipe=recipe,
        label=request.label,
        model=request.model,
        status=RunStatus.QUEUED,
        parameters=dict(values),
        inputs=dict(request.inputs),
        subject_id=request.subject_id,
        actor_id=request.actor_id,
        idempotency_key=request.idempotency_key,
        request_hash=request.digest if request.idempotency_key else None,
        priority=priority_of(request.priority),
        device=known_device(request.device),
        compute=request.compute,
        event_seq=0,
        cancel_requested=False,
        message="",
    )
    work.session.add(run)
    if request.subject_id:
        record_edge(work.session, request.subject_id, run.id, "input_of")
    work.session.flush()
    return run
