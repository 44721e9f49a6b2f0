"""A run's steps and facts in the words of its page: pills, the drawing's nodes, the strip of facts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.charts.notation import score
from app.core.pages import duration
from app.runs import queries
from app.runs.folding import Folded, folded, progress_share
from app.runs.listing.queries import Usual
from app.runs.queries import RunDetail
from app.runs.spec import SAGEMAKER
from app.runs.states import RUN_ENDS, WORKING, AttemptStatus, RunStatus, StepState
from app.runs.tables import Attempt, Step

CANCEL_WORDS = "cancelling"
SIGNS = {">=": "≥", "<=": "≤"}


@dataclass(frozen=True)
class StepCard:
    """One node of the drawing. ``status`` is a pill's; ``share`` is how much of it is done, if known."""

    name: str
    status: str
    lines: Sequence[str]
    share: float | None
    now: bool
    waiting: bool
    shards: Sequence["ShardRow"] = ()
    words: str = ""  # how far its shards are
    opened: bool = False  # one of its shards was asked for


@dataclass(frozen=True)
class ShardRow:
    name: str
    status: str
    share: float | None
    attempts: int
    took: str
    said: str


def status_of(detail: RunDetail) -> str:
    """The pill: a run whose gate stayed closed has succeeded, and says what that means."""
    if detail.run.cancel_requested and detail.run.status not in RUN_ENDS:
        return CANCEL_WORDS
    return "closed" if _gate_closed(detail.steps) else detail.run.status


def _gate_closed(steps: Sequence[Step]) -> bool:
    return any(step.kind == "gate" and step.result and not step.result["passed"] for step in steps)


def chosen_step(detail: RunDetail, name: str | None) -> Step:
    """The step asked for, else where a reader would look: what runs, what failed, what took longest."""
    named = detail.step(name) if name else None
    if named:
        return named
    for wanted in (WORKING, {StepState.FAILED}):
        if found := next((step for step in detail.steps if step.state in wanted), None):
            return found
    tried = [part.step for part in folded(detail.steps) if detail.attempts[part.step.id]]
    tried = [step for step in tried if step.runs_program]
    return max(tried, key=lambda step: queries.seconds_of(step) or 0.0, default=detail.steps[0])


def cards(detail: RunDetail, now: datetime, asked: str | None = None) -> list[StepCard]:
    return [_card(detail, part, now, asked) for part in folded(detail.steps)]


def _card(detail: RunDetail, part: Folded, now: datetime, asked: str | None) -> StepCard:
    step = part.step
    status = "closed" if step.kind == "gate" and _gate_closed([step]) else part.state
    return StepCard(
        step.name,
        _pill(status),
        _lines_of_shards(part, now) if part.shards else _lines(detail, step, now),
        part.share,
        now=part.state in WORKING,
        waiting=part.state in (StepState.BLOCKED, StepState.READY, StepState.SKIPPED),
        shards=[_shard(detail, shard, now) for shard in part.shards],
        words=part.words,
        opened=any(shard.name == asked for shard in part.shards),
    )


def _pill(status: str) -> str:
    return "queued" if status == StepState.READY else status


def _shard(detail: RunDetail, shard: Step, now: datetime) -> ShardRow:
    seconds = queries.seconds_of(shard, now)
    return ShardRow(
        shard.name,
        _pill(shard.state),
        progress_share(shard),
        len(detail.attempts[shard.id]),
        "" if seconds is None or shard.cached else duration(seconds),
        "from the cache" if shard.cached else shard.last_error,
    )


def _lines_of_shards(part: Folded, now: datetime) -> list[str]:
    seconds = part.seconds_until(now)
    lines = ["" if seconds is None or part.cached else duration(seconds), part.words, _place(part.step)]
    if part.step.state in WORKING:
        lines.append("merging")
    if cached := sum(each.cached for each in part.shards):
        lines.append(f"{cached} from the cache")
    return [line for line in lines if line]


def _lines(detail: RunDetail, step: Step, now: datetime) -> list[str]:
    lines = [_took(detail, step, now), _place(step)]
    if step.state in WORKING and step.progress:
        lines.append(str(step.progress["phase"]))
    if step.cached:
        lines.append(f"from the cache: {step.cache_reason}")
    elif step.cache_reason and step.state not in (StepState.BLOCKED, StepState.READY):
        lines.append(step.cache_reason)
    if step.state == StepState.BLOCKED:
        lines.append(f"needs {', '.join(_missing(detail, step))}")
    if step.kind == "gate" and step.state == StepState.BLOCKED:
        lines.append(conditions_in_words(step))
    # What goes to AWS may wait for AWS: then it says so.
    if step.state == StepState.SKIPPED or (step.state == StepState.READY and step.kind == SAGEMAKER):
        lines.append(step.last_error)
    return [line for line in lines if line]


def _place(step: Step) -> str:
    """Where it runs, of what does not run here."""
    compute = step.spec.get("compute")
    return f"SageMaker, {compute['instance_type']}" if compute and not step.cached else ""


def _missing(detail: RunDetail, step: Step) -> list[str]:
    """What it still waits for, in the order of the steps."""
    wanted = {*step.spec["needs"], *step.spec["gates"]}
    missing = (one for one in detail.steps if one.name in wanted and one.state != StepState.SUCCEEDED)
    return [one.name for one in missing if not one.part_of]


def _took(detail: RunDetail, step: Step, now: datetime) -> str:
    seconds = queries.seconds_of(step, now)
    took = "" if seconds is None or step.cached else duration(seconds)
    tries = len(detail.attempts[step.id])
    if tries < 2:
        return took
    return f"attempt {tries} · {took}" if step.state in WORKING else f"{took} · {tries} attempts"


def conditions_in_words(gate: Step) -> str:
    return " and ".join(
        f"{one['label']} {SIGNS.get(one['comparison'], one['comparison'])} {score(one['threshold'])}"
        for one in gate.spec["conditions"]
    )


Fact = tuple[str, str, str]


def facts(detail: RunDetail, usual: Usual | None, now: datetime) -> list[Fact]:
    """The ruled strip under the title: name, value, and a smaller line."""
    run = detail.run
    parts = folded(detail.steps)
    done = sum(part.state == StepState.SUCCEEDED for part in parts)
    end = run.finished_at or now
    begun = run.started_at or run.created_at
    word = "Elapsed" if run.started_at else "Waiting for"
    return [
        _phase(detail),
        (word, duration(end - begun), _usually(detail, usual)),
        ("Steps", f"{done} of {len(parts)}", _cached_words(parts)),
    ]


def _usually(detail: RunDetail, usual: Usual | None) -> str:
    run = detail.run
    waited = (run.started_at - run.created_at).total_seconds() if run.started_at else 0.0
    words = [f"waited {duration(waited)}"] if waited >= 1 else []
    if usual and (usual.n > 1 or run.status != RunStatus.SUCCEEDED):
        plural = "s" if usual.n != 1 else ""
        words.append(f"median of {usual.n} run{plural} like it {duration(usual.seconds)}")
    return "; ".join(words)


def _phase(detail: RunDetail) -> Fact:
    part = next((part for part in folded(detail.steps) if part.state in WORKING), None)
    if part is None:
        return ("Phase", {"queued": "queued", "running": "between steps"}.get(detail.run.status, "ended"), "")
    running = part.step
    if part.shards and running.state not in WORKING:
        return ("Phase", running.name, part.words)
    progress: Mapping[str, Any] = running.progress or {}
    total = f" of {progress['total']:,}" if progress.get("total") else ""
    done = f"{progress['done']:,}{total} done" if progress else ""
    return ("Phase", f"{running.name}{', ' + progress['phase'] if progress else ''}", done)


def _cached_words(parts: Sequence[Folded]) -> str:
    cached = sum(part.cached for part in parts)
    return f"{cached} from the cache" if cached else ""


def lost_attempts(detail: RunDetail) -> list[tuple[Step, Attempt]]:
    """Attempts that died and were followed by another one: worth a notice, no failure."""
    return [
        (step, attempt)
        for step in detail.steps
        for attempt in detail.attempts[step.id]
        if attempt.status in (AttemptStatus.LOST, AttemptStatus.FAILED) and attempt.number < step.attempt
    ]


def failed_step(detail: RunDetail) -> Step | None:
    if detail.run.status != RunStatus.FAILED:
        return None
    return next((step for step in detail.steps if step.state == StepState.FAILED), None)
