"""How the installation is, in one look: for the system page, its REST resource and the command line."""

import importlib.metadata
import json
import platform
import shutil
import sqlite3
import time
from collections.abc import Sequence
from typing import get_args

import redis
from sqlalchemy import Engine

from app.accounts.audit import anchor_file
from app.core import migrations
from app.core.instruments import Instruments
from app.core.services import Services
from app.core.settings import Settings
from app.core.work import Work
from app.monitoring import queries
from app.monitoring.chores import CHORES
from app.monitoring.facts import Audit, ChoreRow, Disk, QueueRow, System
from app.monitoring.problems import problems
from app.monitoring.tables import Schedule
from app.runs.workers.service import WorkerRow, WorkerState, worker_rows
from ml.pipeline.definition import Queue

PACKAGES = ("fastapi", "sqlalchemy", "celery", "onnxruntime", "torch", "transformers")


def look(work: Work, services: Services, instruments: Instruments) -> System:
    workers = worker_rows(work)
    queues = _queues(work, workers)
    outbox = queries.outbox(work.session)
    disk = _disk(work, services)
    chores = [_chore(name, work.session.get(Schedule, name)) for name in CHORES]
    head = queries.audit_head(work.session)
    lately = instruments.lately
    return System(
        problems=list(problems(services.settings, workers, queues, outbox, disk, chores)),
        queues=queues,
        workers=workers,
        leases=queries.held_steps(work.session),
        lost=queries.lost_attempts(work.session),
        outbox=outbox,
        audit=Audit(head.seq if head else 0, _anchored(services.settings)),
        disk=disk,
        place=services.settings.storage or str(services.settings.home / "storage"),
        versions=_versions(work, services),
        chores=chores,
        requests=lately.a_minute(time.time()),
        p50=lately.percentile(0.5),
        p95=lately.percentile(0.95),
        now=queries.clock(work.session),
    )


def _queues(work: Work, workers: Sequence[WorkerRow]) -> list[QueueRow]:
    waiting = {each.queue: each for each in queries.waiting(work.session)}
    running = queries.running_by_queue(work.session)
    serving = [name for row in workers if row.state == WorkerState.ALIVE for name in row.queues]
    return [
        QueueRow(
            name,
            waiting[name].steps if name in waiting else 0,
            waiting[name].seconds if name in waiting else None,
            running.get(name, 0),
            serving.count(name),
        )
        for name in get_args(Queue)
    ]


def _disk(work: Work, services: Services) -> Disk:
    home = services.settings.home
    usage = shutil.disk_usage(home)
    if services.settings.database_url:
        sizes = {"PostgreSQL": queries.database_size(work.session)}
    else:
        sizes = {name: _size_of(services, name) for name in ("main", "telemetry")}
    return Disk(usage.free, usage.total, str(home), sizes)


def _size_of(services: Services, name: str) -> int:
    """The file and its write-ahead log."""
    files = (services.settings.home / f"{name}.db{ending}" for ending in ("", "-wal"))
    return sum(file.stat().st_size for file in files if file.exists())


def _chore(name: str, row: Schedule | None) -> ChoreRow:
    does = CHORES[name].does
    if row is None:
        return ChoreRow(name, does, None, None, {}, "")
    return ChoreRow(name, does, row.next_at, row.finished_at, row.outcome or {}, row.error)


def _anchored(settings: Settings) -> int:
    path = anchor_file(settings.home)
    lines = path.read_text(encoding="utf-8").splitlines()[-5:] if path.exists() else []
    seen = 0
    for line in lines:
        try:
            seen = max(seen, int(json.loads(line)["seq"]))
        except (ValueError, KeyError, TypeError):
            continue  # torn by a full disk; the next one covers what it covered
    return seen


def _versions(work: Work, services: Services) -> dict[str, str]:
    found = {"Fitting Room": importlib.metadata.version("fittingroom"), "Python": platform.python_version()}
    found["database"] = _server(services.databases.main.engine, work)
    found["migrations"] = ", ".join(str(each) for each in migrations.current(services.databases).values())
    found["broker"] = _broker(services.settings)
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)  # asked without importing it
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _server(engine: Engine, work: Work) -> str:
    if engine.dialect.name == "sqlite":
        return f"SQLite {sqlite3.sqlite_version}"
    return f"PostgreSQL {queries.server_version(work.session)}"


def _broker(settings: Settings) -> str:
    url = settings.broker_url.replace("redis+socket://", "unix://")
    try:
        with redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as broker:
            told = broker.info("server")
    except redis.RedisError:
        return "does not answer"
    version = told.get("valkey_version")
    return f"Valkey {version}" if version else f"Redis {told.get('redis_version', '')}"
