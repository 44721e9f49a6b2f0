"""A run's steps as people count them: a step that was fanned out is one of them, its shards beneath it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from app.runs.states import LIVE, STEP_ENDS, WORKING, StepState
from app.runs.tables import Step

SHARDS_NAMED = 3  # in a sentence

# Of a step in shards: what its shards do says more than that their merging waits, or was skipped.
_TELLING = (StepState.LEASED, StepState.REMOTE, StepState.READY, StepState.FAILED, StepState.CANCELLED)


@dataclass(frozen=True)
class Folded:
    """``step`` as it stands in the pipeline; its ``shards`` where it was fanned out, in their order."""

    step: Step
    shards: Sequence[Step] = ()

    @property
    def all(self) -> Sequence[Step]:
        return (*self.shards, self.step)

    @property
    def state(self) -> StepState:
        states = {each.state for each in self.all}
        if self.step.state != StepState.SUCCEEDED:
            for telling in _TELLING:
                if telling in states:
                    return telling
        return StepState(self.step.state)

    @property
    def cached(self) -> bool:
        return all(each.cached for each in self.all)

    @property
    def started_at(self) -> datetime | None:
        return min((each.started_at for each in self.all if each.started_at), default=None)

    def seconds_until(self, now: datetime | None) -> float | None:
        """From its first start to its last end, or to ``now`` while it goes on; None before it began."""
        start = self.started_at
        end = now if self.state not in STEP_ENDS else self._last_end
        return round((end - start).total_seconds(), 3) if start and end else None

    @property
    def _last_end(self) -> datetime | None:
        return max((each.finished_at for each in self.all if each.finished_at), default=None)

    @property
    def share(self) -> float | None:
        """How much is done: of all its shards together, or of the step itself."""
        if not self.shards:
            return progress_share(self.step)
        if self.state not in LIVE or self.started_at is None:
            return None
        return sum(1 - left_of(each) for each in self.shards) / len(self.shards)

    @property
    def words(self) -> str:
        """``7 of 12 shards, 1 running, 2 failed``; nothing for a step without shards."""
        if not self.shards:
            return ""
        counted = [(self.count(state), word) for state, word in _WORDS.items()]
        others = [f", {count} {word}" for count, word in counted if count]
        return f"{self.count(StepState.SUCCEEDED)} of {len(self.shards)} shards{''.join(others)}"

    @property
    def brief(self) -> str:
        """The same where room is short: what failed is told first."""
        failed = self.count(StepState.FAILED)
        done = f"{self.count(StepState.SUCCEEDED)} of {len(self.shards)} shards"
        return f"{failed} failed, {done}" if failed else done

    def count(self, state: StepState) -> int:
        return sum(each.state == state for each in self.shards)


_WORDS = {
    StepState.LEASED: "running",
    StepState.REMOTE: "running at AWS",
    StepState.FAILED: "failed",
    StepState.CANCELLED: "cancelled",
}


def folded(steps: Sequence[Step]) -> list[Folded]:
    """In their order, which is the one in which they can run."""
    shards: dict[str, list[Step]] = {}
    for step in steps:
        if step.part_of:
            shards.setdefault(step.part_of, []).append(step)
    return [Folded(step, shards.get(step.name, ())) for step in steps if not step.part_of]


def progress_share(step: Step) -> float | None:
    if step.state not in WORKING or not step.progress or not step.progress["total"]:
        return None
    return min(1.0, float(step.progress["done"]) / float(step.progress["total"]))


def left_of(step: Step) -> float:
    """The part of its work that is still to do."""
    return 0.0 if step.state == StepState.SUCCEEDED else 1 - (progress_share(step) or 0.0)


def listed(steps: Sequence[Step]) -> str:
    """Their names in a sentence. Of many shards of one step the number is said."""
    names: list[str] = []
    for part, found in groupby(steps, key=lambda step: step.part_of):
        group = list(found)
        if part and len(group) > SHARDS_NAMED:
            names.append(f"{len(group)} shards of {part}")
        else:
            names += [step.name for step in group]
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)
