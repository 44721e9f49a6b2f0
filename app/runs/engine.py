"""The engine as pure functions: the facts about a run's steps in, the next states out.

Nothing here reads a database or a clock, so every order of events can be tried in a test.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.runs.states import RETRIED, STEP_ENDS, RunStatus, StepState

_WAITING = frozenset({StepState.BLOCKED, StepState.READY})


@dataclass(frozen=True)
class StepFact:
    """``needs`` must have succeeded; ``gates`` must have succeeded with their conditions met.

    ``passed`` is None for every step but a gate that has been decided.
    """

    name: str
    state: StepState
    needs: tuple[str, ...] = ()
    gates: tuple[str, ...] = ()
    passed: bool | None = None


@dataclass(frozen=True)
class Change:
    name: str
    to: StepState
    reason: str = ""


def advance(steps: Sequence[StepFact], *, cancel: bool = False) -> list[Change]:
    """What follows from the present states, in the order in which to apply it.

    Steps stand in an order in which they can run, so one pass reaches the end of every chain.
    """
    facts = {step.name: step for step in steps}
    changes: list[Change] = []
    for step in steps:
        change = _cancelled(step) if cancel else _unblocked(step, facts)
        if change:
            facts[step.name] = replace(step, state=change.to)
            changes.append(change)
    return changes


def _cancelled(step: StepFact) -> Change | None:
    if step.state in _WAITING:
        return Change(step.name, StepState.CANCELLED, "The run was cancelled.")
    return None


def _unblocked(step: StepFact, facts: dict[str, StepFact]) -> Change | None:
    if step.state != StepState.BLOCKED:
        return None
    before = [facts[name] for name in (*step.needs, *step.gates)]
    for other in before:
        if other.state in RETRIED:
            return Change(step.name, StepState.SKIPPED, f"Not run: {other.name} {other.state}.")
    closed = next((gate for gate in before if gate.passed is False and gate.name in step.gates), None)
    if closed:
        return Change(step.name, StepState.SKIPPED, f"Not run: {closed.name} did not pass.")
    if all(other.state == StepState.SUCCEEDED for other in before):
        return Change(step.name, StepState.READY)
    return None


def reopened(steps: Sequence[StepFact]) -> list[Change]:
    """A retry: everything that did not succeed waits again. Follow it with :func:`advance`."""
    return [Change(step.name, StepState.BLOCKED) for step in steps if step.state in RETRIED]


def run_status(steps: Sequence[StepFact], *, started: bool) -> RunStatus:
    """``started``: a step of this run has been claimed or taken from the cache."""
    states = [step.state for step in steps]
    if not all(state in STEP_ENDS for state in states):
        return RunStatus.RUNNING if started else RunStatus.QUEUED
    if StepState.FAILED in states:
        return RunStatus.FAILED
    if StepState.CANCELLED in states:
        return RunStatus.CANCELLED
    return RunStatus.SUCCEEDED
