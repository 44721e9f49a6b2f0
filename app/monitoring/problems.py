"""What is wrong with the installation, in plain words with what to do about it."""

from collections.abc import Iterator, Sequence

from app.core.settings import Settings
from app.monitoring.facts import ChoreRow, Disk, Problem, QueueRow
from app.monitoring.queries import Outbox
from app.runs.workers.service import WorkerRow, WorkerState

LOW_DISK_BYTES = 5_000_000_000
STUCK_SECONDS = 120.0


def problems(
    settings: Settings,
    workers: Sequence[WorkerRow],
    queues: Sequence[QueueRow],
    outbox: Outbox,
    disk: Disk,
    chores: Sequence[ChoreRow],
) -> Iterator[Problem]:
    yield from _unserved(workers, queues)
    for row in workers:
        if row.state == WorkerState.TROUBLED:
            yield Problem(f"{row.id} takes no steps: {row.problem}", "Mend that; it goes on by itself.")
        elif row.state == WorkerState.SILENT and row.running:
            yield Problem(
                f"{row.id} has fallen silent with {len(row.running)} steps in hand.",
                "They are given to others when their leases run out. Look whether its machine is up.",
            )
    if outbox.waiting and outbox.seconds > STUCK_SECONDS:
        yield Problem(
            f"{outbox.waiting} messages wait to be delivered, the oldest for {outbox.seconds / 60:.0f} min.",
            outbox.error or "Workers deliver them: start one.",
        )
    if disk.free < LOW_DISK_BYTES:
        yield Problem(
            f"The disk of {settings.home} is nearly full.",
            "See what can go.",
            "fittingroom collect --dry-run",
        )
    for chore in chores:
        if chore.error:
            yield Problem(
                f"The chore {chore.name} failed: {chore.error}", "It is tried again within an hour."
            )


def _unserved(workers: Sequence[WorkerRow], queues: Sequence[QueueRow]) -> Iterator[Problem]:
    living = [row for row in workers if row.state != WorkerState.SILENT]
    for queue in queues:
        if queue.waiting and not queue.workers:
            steps = f"{queue.waiting} step{'s wait' if queue.waiting != 1 else ' waits'}"
            yield Problem(
                f"{steps} in {queue.name}, and no worker takes any.", _where(queue.name), _start(queue.name)
            )
    if not living and not any(queue.waiting for queue in queues):
        yield Problem("No worker is alive: what is launched will wait.", "Start one with:", _start("cpu,io"))


def _where(queue: str) -> str:
    return "Start one on a machine with a card:" if queue == "gpu" else "Start one with:"


def _start(names: str) -> str:
    return f"fittingroom worker start --queues {names}"
