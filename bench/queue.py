"""A long queue and an old one: what a step waits for a free worker, and what a claim costs among old runs.

``python -m bench.queue ready`` launches 1,000 steps, ready at once, for four worker processes, and measures
what passes from a slot's becoming free to its next claim: with their messages, and without any.
``python -m bench.queue finished`` claims steps before and after 100,000 finished runs were put beside them.
Both on SQLite and on PostgreSQL, or on the one named after it; another number after that makes it smaller.
"""

import json
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import event, func, insert, select, text
from sqlalchemy.orm import Session

from app.core import migrations
from app.core.ids import new_id
from app.core.services import Services
from app.core.settings import Settings
from app.handlers import open_services
from app.runs import leases, queries
from app.runs.launch import LaunchRequest, RunLauncher
from app.runs.states import RUN_ENDS, AttemptStatus, RunStatus, StepState
from app.runs.tables import Attempt, Run, Step
from ml.pipeline.definition import Pipeline, ProgramStep
from tests.programs.fleet import Fleet, start_broker, wait_until
from tests.programs.installation import Inbox, Toys, toy_services
from tests.programs.postgres import serving_postgres

DATABASES = ("sqlite", "postgresql")
WORKERS = 4
SLOTS = 3
STEPS_A_RUN = 10
READY, FINISHED = 1000, 100_000
CLAIMS = 100
AT_ONCE = 2000
LEASE_SECONDS = 120
ABLE: tuple[list[str], list[str]] = (["cpu", "gpu", "io"], ["program", "gate", "register"])


def pipeline(steps: int) -> Pipeline:
    many = (
        ProgramStep(f"s{number}", "tests.programs.signed", queue="io", cached=False)
        for number in range(steps)
    )
    return Pipeline(f"wide{steps}", (), (), tuple(many))


@contextmanager
def installation(database: str) -> Iterator[Services]:
    home = Path(tempfile.mkdtemp(prefix="fr-bench-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        url = stack.enter_context(serving_postgres()).create() if database == "postgresql" else None
        settings = Settings(home=home, database_url=url, redis_url=None, lease_seconds=LEASE_SECONDS)
        migrations.upgrade(settings)
        broker = start_broker(settings)
        stack.callback(broker.wait)
        stack.callback(broker.kill)
        services = toy_services(open_services(settings))
        stack.callback(services.close)
        yield services


def launch(services: Services, shape: Pipeline, count: int) -> None:
    launcher = RunLauncher({shape.name: shape}, services.messenger)
    for _ in range(count):
        with services.works.writing() as work:
            launcher.start(work, LaunchRequest(shape.name, "usr_1", {}))


def ready(services: Services, count: int) -> dict[str, object]:
    """The messages are kept back until all steps are ready and the workers there, then sent as the launcher
    would; the second time they are never sent, as if the broker had forgotten them."""
    delivered = _ready(services, count, sent=True)
    forgotten = _ready(services, count, sent=False)
    return {"steps": count, "messages delivered": delivered, "messages forgotten": forgotten}


def _ready(services: Services, count: int, *, sent: bool) -> dict[str, object]:
    inbox = Inbox()
    launch(replace(services, messenger=inbox), pipeline(STEPS_A_RUN), count // STEPS_A_RUN)
    fleet = Fleet(Toys(services, Inbox()), lease_seconds=LEASE_SECONDS)
    try:
        for _ in range(WORKERS):
            fleet.start(queues="io")
        for step_id, queue in inbox.sent if sent else ():
            services.messenger.send_step(step_id, queue)
        wait_until(lambda: not _unfinished(services), "all runs ended", 3600)
    finally:
        fleet.end()
    with services.works.reading() as work:
        mine = Attempt.step_id.in_(step_id for step_id, _ in inbox.sent)
        attempts = list(work.session.scalars(select(Attempt).where(mine).order_by(Attempt.started_at)))
    assert [attempt.status for attempt in attempts] == [AttemptStatus.SUCCEEDED] * count
    waits = sorted(_waits(attempts))
    took = max(each.finished_at for each in attempts if each.finished_at) - attempts[0].started_at
    return {
        "seconds": round(took.total_seconds(), 1),
        "free slot to next claim, median": round(statistics.median(waits), 3),
        "p99": round(waits[int(0.99 * (len(waits) - 1))], 3),
        "longest": round(waits[-1], 3),
    }


def _waits(attempts: list[Attempt]) -> Iterator[float]:
    """Of each worker: the time from its k-th ending to the claim that its slot went to. The workers start one
    after the other and the queue runs dry at the end, so only what lies between counts."""
    by_worker: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        by_worker[attempt.worker].append(attempt)
    for own in by_worker.values():
        ends = sorted(each.finished_at for each in own if each.finished_at)
        later = sorted(each.started_at for each in own)[SLOTS:]
        yield from ((claim - end).total_seconds() for end, claim in zip(ends, later, strict=False))


def _unfinished(services: Services) -> int:
    with services.works.reading() as work:
        unfinished = select(func.count()).select_from(Run).where(Run.status.not_in(RUN_ENDS))
        return work.session.scalar(unfinished) or 0


def finished(services: Services, count: int) -> dict[str, object]:
    shape = pipeline(1)
    launch(replace(services, messenger=Inbox()), shape, 2 * CLAIMS)
    before = _costs(services)
    with services.works.writing() as work:
        template = work.session.scalars(select(Step).where(Step.state == StepState.READY).limit(1)).one()
        for start in range(0, count, AT_ONCE):
            _put_finished(work.session, template, min(AT_ONCE, count - start), start + 10 * CLAIMS)
        work.session.execute(text("ANALYZE"))  # what autovacuum, or SQLite's optimizer, does by and by
    after = _costs(services)
    return {
        "finished runs": count,
        **{name: [round(before[name], 3), round(after[name], 3)] for name in before},
        "ratio of a claim": round(after["claim, ms"] / before["claim, ms"], 2),
        "reads through ix_step_claims": _plan(services).count("ix_step_claims"),
    }


def _put_finished(session: Session, like: Step, count: int, number: int) -> None:
    now = datetime.now(UTC)
    ids = [(new_id("run"), new_id("step")) for _ in range(count)]
    run = {
        "pipeline": like.pipeline, "status": RunStatus.SUCCEEDED, "parameters": {}, "inputs": {},
        "actor_id": "usr_1", "created_at": now, "started_at": now, "finished_at": now,
    }  # fmt: skip
    step = {
        "pipeline": like.pipeline, "name": like.name, "position": 0, "kind": like.kind, "queue": like.queue,
        "state": StepState.SUCCEEDED, "spec": like.spec, "attempt": 1, "fence": 1, "ready_at": now,
        "started_at": now, "finished_at": now, "artifact": "0" * 64, "artifact_size": 1,
    }  # fmt: skip
    attempt = {"number": 1, "fence": 1, "worker": "w", "status": AttemptStatus.SUCCEEDED, "finished_at": now}
    runs = [{**run, "id": run_id, "number": number + place} for place, (run_id, _) in enumerate(ids)]
    session.execute(insert(Run), runs)
    session.execute(insert(Step), [{**step, "id": step_id, "run_id": run_id} for run_id, step_id in ids])
    session.execute(insert(Attempt), [{**attempt, "step_id": step_id} for _, step_id in ids])


def _costs(services: Services) -> dict[str, float]:
    """In milliseconds of this process's CPU, which other work on the machine does not stretch: the claim's
    whole transaction and the dispatcher's look, medians. What a server spends on them its plan tells."""
    with services.works.reading() as work:
        steps = queries.ready_steps(work.session, *ABLE, limit=CLAIMS)
    claims = [_timed(partial(_claim, services, step)) for step in steps]
    looks = [_timed(partial(_look, services)) for _ in range(CLAIMS)]
    times = {"claim, ms": statistics.median(claims), "look, ms": statistics.median(looks)}
    if services.databases.main.engine.dialect.name == "postgresql":
        spent = re.findall(r"Execution Time: ([\d.]+)", _plan(services))
        times["look, on the server, ms"] = sum(map(float, spent))
    return times


def _claim(services: Services, step: Step) -> None:
    with services.works.writing() as work:
        assert leases.claim(work, step, "bench", LEASE_SECONDS)


def _look(services: Services) -> None:
    with services.works.reading() as work:
        queries.ready_steps(work.session, *ABLE, limit=SLOTS)
        queries.expired_steps(work.session)


def _timed(act: Callable[[], Any]) -> float:
    started = time.thread_time()
    act()
    return (time.thread_time() - started) * 1000


def _plan(services: Services) -> str:
    """How the database finds what is ready: the very statement of the dispatcher, explained."""
    engine = services.databases.main.engine
    seen: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT step."):
            seen.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    _look(services)
    event.remove(engine, "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN " if engine.dialect.name == "sqlite" else "EXPLAIN ANALYZE "
    with services.works.reading() as work:
        rows = [
            work.session.connection().exec_driver_sql(explain + statement, parameters).all()
            for statement, parameters in seen
        ]
    return str(rows)


MEASURES: dict[str, tuple[Callable[[Services, int], dict[str, object]], int]] = {
    "ready": (ready, READY),
    "finished": (finished, FINISHED),
}


def main(name: str, database: str = "", count: str = "") -> None:
    measure, usual = MEASURES[name]
    for each in [database] if database else DATABASES:
        with installation(each) as services:
            print(json.dumps({"database": each, **measure(services, int(count or usual))}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
