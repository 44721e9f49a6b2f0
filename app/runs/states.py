"""The states of a step and of a run, and the only function that moves a step from one to the next.

A terminal state is left by a retry alone, which a person asks for: ``failed``, ``cancelled`` and
``skipped`` then go back to ``blocked``. ``succeeded`` is never left.
"""

from enum import StrEnum
from typing import Protocol


class StepState(StrEnum):
    BLOCKED = "blocked"  # waits for other steps
    READY = "ready"  # waits for a worker
    LEASED = "leased"  # a worker holds it
    REMOTE = "remote"  # a job at AWS does it: no worker holds it, any of them looks after it
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"  # the gate stayed closed, or a step it needs failed


class RunStatus(StrEnum):
    QUEUED = "queued"  # no step has started yet
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class AttemptStatus(StrEnum):
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"  # its worker sent no heartbeat
    RELEASED = "released"  # its worker was told to stop; not counted against the step


TRANSITIONS: dict[StepState, frozenset[StepState]] = {
    StepState.BLOCKED: frozenset({StepState.READY, StepState.CANCELLED, StepState.SKIPPED}),
    # Straight from ready to succeeded goes a step that was taken from the cache.
    StepState.READY: frozenset({StepState.LEASED, StepState.SUCCEEDED, StepState.CANCELLED}),
    StepState.LEASED: frozenset(
        {
            StepState.READY,
            StepState.REMOTE,
            StepState.SUCCEEDED,
            StepState.FAILED,
            StepState.CANCELLED,
        }
    ),
    StepState.REMOTE: frozenset(
        {StepState.READY, StepState.SUCCEEDED, StepState.FAILED, StepState.CANCELLED}
    ),
    StepState.SUCCEEDED: frozenset(),
    StepState.FAILED: frozenset({StepState.BLOCKED}),
    StepState.CANCELLED: frozenset({StepState.BLOCKED}),
    StepState.SKIPPED: frozenset({StepState.BLOCKED}),
}

WORKING = frozenset({StepState.LEASED, StepState.REMOTE})  # somebody does it now, here or at AWS
LIVE = WORKING | {StepState.READY}
STEP_ENDS = frozenset({StepState.SUCCEEDED, StepState.FAILED, StepState.CANCELLED, StepState.SKIPPED})
RETRIED = frozenset({StepState.FAILED, StepState.CANCELLED, StepState.SKIPPED})
RUN_ENDS = frozenset({RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED})


class HasState(Protocol):
    state: str


class IllegalMove(Exception):
    """A mistake in the engine, never in what a user did."""


def move(step: HasState, to: StepState) -> None:
    if to not in TRANSITIONS[StepState(step.state)]:
        raise IllegalMove(f"{step.state} → {to}")
    step.state = to
