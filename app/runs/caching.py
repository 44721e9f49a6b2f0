"""Whether a step's work was done before: equal program, arguments and inputs give an equal artifact.

The key is kept as readable JSON, so the reason why a step was not taken from the cache is a difference
between two keys, in words.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.core.errors import FittingRoomError, Unavailable
from app.core.services import Services
from app.core.storage import Storage, Tree
from app.core.work import Work
from app.runs import queries
from app.runs.advancing import record_step, settle
from app.runs.figures import note_figures
from app.runs.leases import Lease, execute_one, fresh, held, must_be_allowed, start_run
from app.runs.spec import InputSpec, StepSpec
from app.runs.states import StepState
from app.runs.tables import Run, Step

Key = Mapping[str, Any]
REASONS_SHOWN = 4


@dataclass(frozen=True)
class Lookup:
    """``found`` is an earlier step whose artifact can be shown again; ``reason`` says why, or why not."""

    key: Key | None
    digest: str | None
    found: Step | None
    reason: str


def input_trees(session: Session, storage: Storage, step: Step) -> dict[str, Tree]:
    """What each channel of the step holds. The steps it needs have succeeded."""
    run = session.get_one(Run, step.run_id)
    artifacts = {other.name: other.artifact for other in queries.steps_of(session, step.run_id)}
    inputs = StepSpec.from_json(step.spec).inputs
    return {name: _tree(storage, source, run, artifacts) for name, source in inputs.items()}


def _tree(storage: Storage, source: InputSpec, run: Run, artifacts: Mapping[str, str | None]) -> Tree:
    if source.run_input is not None:
        return storage.tree(run.inputs[source.run_input])
    assert source.step is not None, "an input comes from the run or from a step"
    sha256 = artifacts[source.step]
    assert sha256 is not None, "a step becomes ready only after the steps it needs have succeeded"
    return storage.tree(sha256).under(source.path)


def cache_key(spec: StepSpec, program_version: str, inputs: Mapping[str, Tree]) -> Key:
    return {
        "program": {"module": spec.program, "version": program_version},
        "arguments": dict(spec.arguments),
        "inputs": {name: tree.sha256 for name, tree in inputs.items()},
    }


def digest_of(key: Key) -> str:
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()


def look_up(session: Session, storage: Storage, step: Step, key: Key) -> Lookup:
    """The newest earlier step with the same key whose artifact is whole."""
    if not step.spec["cached"]:
        return Lookup(None, None, None, "not cached: this step always runs")
    digest = digest_of(key)
    equal = queries.steps_by_cache_hash(session, digest)
    for found in equal:
        if _whole(storage, found):
            number = session.get_one(Run, found.run_id).number
            return Lookup(key, digest, found, f"same program, arguments and inputs as in run #{number}")
    if equal:
        return Lookup(key, digest, None, "not cached: the stored artifact is missing or damaged")
    return Lookup(key, digest, None, _why_not(session, step, key))


def _whole(storage: Storage, step: Step) -> bool:
    """Every byte is read: a damaged artifact taken from the cache would fail all runs after this one."""
    assert step.artifact is not None, "a program step that succeeded has an artifact"
    try:
        for file in storage.tree(step.artifact).files:
            storage.verify(file.sha256)
    except Unavailable:
        raise  # nobody knows: the step waits until the storage answers
    except FittingRoomError:
        return False
    return True


def _why_not(session: Session, step: Step, key: Key) -> str:
    """Compared with the earlier step that differs least."""
    earlier = queries.cache_candidates(session, step.pipeline, step.name)
    differences = [differing for other in earlier if (differing := _differences(other.cache_key or {}, key))]
    if not differences:
        return "not cached: the first run of this step"
    nearest = min(differences, key=len)
    more = f" and {len(nearest) - REASONS_SHOWN} more" if len(nearest) > REASONS_SHOWN else ""
    return f"not cached: {', '.join(nearest[:REASONS_SHOWN])}{more}"


def _differences(before: Key, after: Key) -> list[str]:
    words = []
    if before.get("program") != after["program"]:
        words.append("the program has changed")
    words += _changed(before.get("arguments", {}), after["arguments"], "")
    words += _changed(before.get("inputs", {}), after["inputs"], "input ")
    return words


def _changed(before: Mapping[str, Any], after: Mapping[str, Any], prefix: str) -> list[str]:
    names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    return [f"{prefix}{name} {_short(before.get(name))} → {_short(after.get(name))}" for name in names]


def _short(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text[:8] if len(text) == 64 else text[:40]  # hashes by their beginning


def take_from_cache(work: Work, services: Services, step: Step, lookup: Lookup) -> bool:
    """Finish a ready step with an earlier step's artifact. No attempt is made, so none is counted."""
    found = lookup.found
    run = queries.locked_run(work.session, step.run_id)
    if run is None or found is None:
        return False
    must_be_allowed(StepState.READY, StepState.SUCCEEDED)
    taken = (
        update(Step)
        .where(Step.id == step.id, Step.state == StepState.READY)
        .values(
            state=StepState.SUCCEEDED,
            cached=True,
            cached_from=found.cached_from or found.id,
            cache_reason=lookup.reason,
            cache_hash=lookup.digest,
            cache_key=lookup.key,
            program_version=found.program_version,
            artifact=found.artifact,
            artifact_size=found.artifact_size,
            started_at=queries.clock(work.session),
            finished_at=queries.clock(work.session),
        )
    )
    if execute_one(work.session, taken.returning(Step.id)) is None:
        return False
    start_run(work, run)
    taken_step = fresh(work.session, step.id)
    note_figures(services.storage, run, taken_step)
    record_step(work.session, run, taken_step)
    settle(work, run, services.messenger, services.handlers.moved)
    return True


def note_key(work: Work, lease: Lease, program_version: str, lookup: Lookup) -> None:
    """What this attempt runs with, so that a later step can be compared with it."""
    noted = (
        update(Step)
        .where(held(lease))
        .values(
            program_version=program_version,
            cache_key=lookup.key,
            cache_hash=lookup.digest,
            cache_reason=lookup.reason,
        )
    )
    execute_one(work.session, noted.returning(Step.id))
