"""How long a run still takes, by its progress and by earlier runs of its recipe; its place in a queue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from app.core.pages import duration
from app.runs import queries
from app.runs.folding import Folded, folded, left_of, progress_share
from app.runs.listing.queries import Usual, usual_step_times, usual_times
from app.runs.queries import RunDetail
from app.runs.states import RUN_ENDS, STEP_ENDS, WORKING, StepState
from app.runs.tables import Step, Worker
from app.runs.workers import queries as worker_queries

TOO_EARLY = 0.02  # of a step: a pace that was measured on less is no pace
_ENDINGS = {1: "st", 2: "nd", 3: "rd"}


Expected = tuple[str, datetime, datetime]  # a step, its beginning and its end


@dataclass(frozen=True)
class Pace:
    """What earlier runs of the same recipe took; nothing is known of the first one."""

    run: Usual | None
    steps: Mapping[str, Usual]


@dataclass(frozen=True)
class Estimate:
    """``step`` names the step whose end it is, where that of the whole run can't be told."""

    seconds: float
    by: str
    step: str = ""


def pace_of(session: Session, detail: RunDetail) -> Pace:
    recipe = (detail.run.pipeline, detail.run.recipe)
    usual = usual_times(session, [recipe]).get(recipe)
    live = detail.run.status not in RUN_ENDS
    return Pace(usual, usual_step_times(session, recipe) if live else {})


def estimate(detail: RunDetail, pace: Pace, now: datetime) -> Estimate | None:
    """None where neither its progress nor an earlier run says anything."""
    parts = [part for part in folded(detail.steps) if part.step.runs_program]
    still_open = [part for part in parts if part.state not in STEP_ENDS]
    running = next((part for part in still_open if part.state in WORKING), None)
    own = _by_progress(detail, running, now) if running else None
    rest = [_by_median(part, pace, now) for part in still_open if part is not running or own is None]
    known = [seconds for seconds in rest if seconds is not None]
    if len(known) == len(rest) and (known or own is not None):
        return Estimate(sum(known) + (own or 0.0), _grounds(own is not None, bool(known), pace))
    if running and own is not None:
        return Estimate(own, "by its pace so far", running.step.name)
    return None


def expected(detail: RunDetail, pace: Pace, now: datetime) -> list[Expected]:
    """When the steps after the running one begin and end, as far as that is known."""
    parts = folded(detail.steps)
    running = next((part for part in parts if part.state in WORKING), None)
    if running is None or (left := _left(detail, running, pace, now)) is None:
        return []
    spans, at = [], now + timedelta(seconds=left)
    for part in parts[parts.index(running) + 1 :]:
        usual = pace.steps.get(part.step.name)
        if usual is None or part.shards:
            break
        end = at + timedelta(seconds=usual.seconds)
        spans.append((part.step.name, at, end))
        at = end
    return spans


def _left(detail: RunDetail, part: Folded, pace: Pace, now: datetime) -> float | None:
    own = _by_progress(detail, part, now)
    return own if own is not None else _by_median(part, pace, now)


def _by_progress(detail: RunDetail, part: Folded, now: datetime) -> float | None:
    """Shards that still wait will take as long as those that run, and as many of them run at a time."""
    running = [step for step in part.all if step.state in WORKING]
    whole = [found for step in running if (found := _whole(detail, step, now)) is not None]
    if not whole:
        return None
    unfinished = [step for step in part.shards if step.state not in STEP_ENDS] or running
    return sum(whole) / len(whole) * sum(map(left_of, unfinished)) / len(running)


def _whole(detail: RunDetail, step: Step, now: datetime) -> float | None:
    """How long all of the step takes, by the pace of this attempt."""
    attempt, share = queries.running_attempt(detail, step), progress_share(step)
    if attempt is None or share is None or share < TOO_EARLY:
        return None
    return (now - attempt.started_at).total_seconds() / share


def _by_median(part: Folded, pace: Pace, now: datetime) -> float | None:
    """What is left of the usual time; a step that is late already ends any moment. Of steps in shards none is
    known: it hangs on how many workers were free."""
    step = part.step
    usual = pace.steps.get(step.name)
    if usual is None or part.shards:
        return None
    begun = step.started_at if step.state in WORKING else None
    return max(0.0, usual.seconds - (now - begun).total_seconds()) if begun else usual.seconds


def _grounds(progress: bool, medians: bool, pace: Pace) -> str:
    runs = max((usual.n for usual in pace.steps.values()), default=0)
    earlier = f"the median of {runs} earlier run{'s' if runs != 1 else ''}"
    if progress:
        return f"by its pace and {earlier}" if medians else "by its pace so far"
    return f"by {earlier}"


def end_in_words(found: Estimate, now: datetime) -> tuple[str, str, str]:
    """As a fact of the strip: ``Expected end``, ``14:06 UTC``, ``in 3m 52s, by its pace so far``."""
    at = (now + timedelta(seconds=found.seconds)).astimezone(UTC)
    name = f"Expected end of {found.step}" if found.step else "Expected end"
    day = "" if at.date() == now.astimezone(UTC).date() else f"{at:%-d %b}, "
    return (name, f"{day}{at:%H:%M} UTC", f"in {duration(found.seconds)}, {found.by}")


@dataclass(frozen=True)
class Waiting:
    """A step that waits for a worker. ``workers`` is 0 where nobody serves its queue."""

    step: str
    queue: str
    place: int
    workers: int
    busy: int

    @property
    def ordinal(self) -> str:
        if self.place % 100 in (11, 12, 13):
            return f"{self.place}th"
        return f"{self.place}{_ENDINGS.get(self.place % 10, 'th')}"

    @property
    def words(self) -> str:
        busy = f"{self.busy} of {self.workers} worker{'s' if self.workers != 1 else ''} busy"
        if self.place == 1 and not self.busy:
            return f"{self.step} starts next: {self.workers} worker{'s' if self.workers != 1 else ''} free."
        return f"{self.step} is {self.ordinal} in the queue for {self.queue}, {busy}."

    @property
    def command(self) -> str:
        return f"fittingroom worker start --queues {self.queue}"


def waiting_of(session: Session, steps: Sequence[Step]) -> Waiting | None:
    step = next((step for step in steps if step.state == StepState.READY), None)
    if step is None:
        return None
    serving = [worker for worker in worker_queries.serving_workers(session) if step.queue in worker.queues]
    place = queries.ready_before(session, step) + 1
    return Waiting(step.name, step.queue, place, len(serving), sum(map(_is_busy, serving)))


def _is_busy(worker: Worker) -> bool:
    return worker.busy > 0
