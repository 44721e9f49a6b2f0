"""Runs, their steps and attempts, their events, and the workers that serve them.

A step's row holds all it needs to run (program, resolved arguments, where its inputs come from), written
at launch: a definition that changes afterwards never changes a run that exists.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Main, Telemetry, now

# SQLite numbers rows by itself only where the column is exactly INTEGER.
_Serial = BigInteger().with_variant(Integer, "sqlite")
PROGRAM_KINDS = frozenset({"program", "sagemaker"})  # of the steps that run a program, here or at AWS
# Said again in a query, word for word, it lets SQLite use the index that has no other steps in it.
CLAIMABLE = text("state IN ('ready', 'leased')")


class Run(Main):
    """One execution of a pipeline. ``subject_id`` names what it is about: a data set version.

    ``figures`` is the part of evaluation.json that lists show, and ``macro_f1`` what they sort by; both are
    written with the step that measured, see app.runs.figures.
    """

    __tablename__ = "run"
    __table_args__ = (
        UniqueConstraint("number"),
        UniqueConstraint("actor_id", "idempotency_key"),
        Index(None, "status"),
        Index(None, "subject_id"),
        Index(None, "pipeline", "recipe", "status", "id"),  # the latest runs of a recipe, for its median
        Index(None, "recipe"),  # which there are, for the list's filter
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    number: Mapped[int]
    pipeline: Mapped[str] = mapped_column(String(60))
    recipe: Mapped[str | None] = mapped_column(String(60))
    label: Mapped[str] = mapped_column(String(200), default="")
    model: Mapped[str | None] = mapped_column(String(100))  # what register names the version's model
    status: Mapped[str] = mapped_column(String(20))
    parameters: Mapped[dict[str, Any]]
    inputs: Mapped[dict[str, Any]]  # name → sha256 of a tree
    subject_id: Mapped[str | None] = mapped_column(String(40))
    actor_id: Mapped[str] = mapped_column(String(40))
    idempotency_key: Mapped[str | None] = mapped_column(String(200))
    request_hash: Mapped[str | None] = mapped_column(String(64))
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    event_seq: Mapped[int] = mapped_column(BigInteger, default=0)
    message: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=now())
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    figures: Mapped[dict[str, Any] | None]
    macro_f1: Mapped[float | None]
    # Defaults of the database's own, here and at the worker: a process of an older version knows no better.
    priority: Mapped[int] = mapped_column(default=0, server_default="0")  # see app.runs.places
    device: Mapped[str] = mapped_column(String(10), default="auto", server_default="auto")
    compute: Mapped[str] = mapped_column(String(20), default="local", server_default="local")


class SavedRecipe(Main):
    """A set of values that somebody named, offered beside the recipes a pipeline comes with.

    ``values`` are those that differ from the parameters' defaults. ``row_version`` grows with each change,
    so that one made on an older sight of it is refused.
    """

    __tablename__ = "recipe"
    __table_args__ = (UniqueConstraint("pipeline", "name"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    pipeline: Mapped[str] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(60))
    summary: Mapped[str] = mapped_column(Text, default="")
    values: Mapped[dict[str, Any]]
    owner_id: Mapped[str] = mapped_column(String(40))
    row_version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(default=now())
    changed_at: Mapped[datetime] = mapped_column(default=now())


class Step(Main):
    """One node of a run. ``fence`` grows with each claim: only the holder of the newest may finish it.

    ``attempt`` numbers the attempts; those released by a worker that had to stop count in ``released`` and
    not against ``max_attempts``. ``spec`` is described in app.runs.spec. A shard of a step that was fanned
    out is ``part_of`` the step that merges it, by name, and has its number in ``shard``.
    """

    __tablename__ = "step"
    __table_args__ = (
        UniqueConstraint("run_id", "name"),
        CheckConstraint("(state = 'leased') = (lease_until IS NOT NULL)", name="lease"),
        # Small for ever: only what a worker may take or lose stands in it.
        Index("ix_step_claims", "queue", "id", sqlite_where=CLAIMABLE, postgresql_where=CLAIMABLE),
        Index(None, "cache_hash"),
        Index(None, "pipeline", "name"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"))
    pipeline: Mapped[str] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(60))
    position: Mapped[int]
    part_of: Mapped[str | None] = mapped_column(String(60))
    shard: Mapped[int | None]
    kind: Mapped[str] = mapped_column(String(20))  # program, sagemaker, gate, register, publish
    queue: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20))
    spec: Mapped[dict[str, Any]]
    attempt: Mapped[int] = mapped_column(default=0)
    released: Mapped[int] = mapped_column(default=0)
    max_attempts: Mapped[int] = mapped_column(default=3)
    fence: Mapped[int] = mapped_column(BigInteger, default=0)
    lease_owner: Mapped[str | None] = mapped_column(String(100))
    lease_until: Mapped[datetime | None]
    deadline_at: Mapped[datetime | None]
    not_before: Mapped[datetime | None]
    ready_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    last_error: Mapped[str] = mapped_column(Text, default="")
    advice: Mapped[str] = mapped_column(Text, default="")
    progress: Mapped[dict[str, Any] | None]  # done, total, phase of the running attempt
    program_version: Mapped[str | None] = mapped_column(String(64))
    cache_key: Mapped[dict[str, Any] | None]
    cache_hash: Mapped[str | None] = mapped_column(String(64))
    cached: Mapped[bool] = mapped_column(default=False)
    cached_from: Mapped[str | None] = mapped_column(String(40))  # the step whose artifact this one shows
    cache_reason: Mapped[str] = mapped_column(Text, default="")
    artifact: Mapped[str | None] = mapped_column(String(64))  # sha256 of the tree
    artifact_size: Mapped[int | None] = mapped_column(BigInteger)
    result: Mapped[dict[str, Any] | None]  # what a native step answered

    @property
    def runs_program(self) -> bool:
        return self.kind in PROGRAM_KINDS


class Attempt(Main):
    """One try of a step. It is kept for ever, with its log."""

    __tablename__ = "attempt"
    __table_args__ = (Index(None, "status", "started_at"),)  # counted by status, and the latest of those lost

    step_id: Mapped[str] = mapped_column(ForeignKey("step.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    fence: Mapped[int] = mapped_column(BigInteger)
    worker: Mapped[str] = mapped_column(String(100))
    status: Mapped[str] = mapped_column(String(20))
    exit_code: Mapped[int | None]
    message: Mapped[str] = mapped_column(Text, default="")
    advice: Mapped[str] = mapped_column(Text, default="")
    environment: Mapped[dict[str, Any] | None]  # the variables its program was given, none of them a secret
    started_at: Mapped[datetime] = mapped_column(default=now())
    finished_at: Mapped[datetime | None]


class RunEvent(Main):
    """What happened to a run, numbered under its row lock, so a reader that asks "after 17" misses none.

    ``progress`` events are replaced by their successors: a long training leaves one, not ten thousand.
    """

    __tablename__ = "run_event"
    __table_args__ = (Index(None, "run_id", "step_id", "kind"),)

    run_id: Mapped[str] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(20))  # run, step, attempt, progress
    step_id: Mapped[str | None] = mapped_column(String(40))
    data: Mapped[dict[str, Any]]
    at: Mapped[datetime] = mapped_column(default=now())


class Worker(Main):
    """A worker process and what it can do; silent for a minute, it is taken for dead.

    ``draining``: it takes nothing new; ``leaving``: it ends once it has nothing left. ``problem`` is why it
    can take nothing at all. ``key_id`` is what its machine joined with, where it did.
    """

    __tablename__ = "worker"

    id: Mapped[str] = mapped_column(String(100), primary_key=True)
    host: Mapped[str] = mapped_column(String(200))
    pid: Mapped[int]
    queues: Mapped[list[Any]]
    slots: Mapped[dict[str, Any]]  # group of queues → number of steps at a time
    kinds: Mapped[list[Any]]
    version: Mapped[str] = mapped_column(String(40))
    busy: Mapped[int] = mapped_column(default=0)
    devices: Mapped[list[Any] | None]  # its cards
    draining: Mapped[bool] = mapped_column(default=False, server_default=false())
    leaving: Mapped[bool] = mapped_column(default=False, server_default=false())
    problem: Mapped[str | None] = mapped_column(Text)
    key_id: Mapped[str | None] = mapped_column(String(40))
    started_at: Mapped[datetime] = mapped_column(default=now())
    seen_at: Mapped[datetime] = mapped_column(default=now())


class WorkerKey(Main):
    """Lets one other machine join: first as a secret that works once, then as the machine's own.

    Of both only the hash is kept. Revoked, the machine's workers stop.
    """

    __tablename__ = "worker_key"
    __table_args__ = (UniqueConstraint("secret_hash"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    secret_hash: Mapped[str] = mapped_column(String(64))
    created_by: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(default=now())
    expires_at: Mapped[datetime]  # of the secret that works once; the machine's own stays good
    joined_at: Mapped[datetime | None]
    joined_from: Mapped[str] = mapped_column(String(60), default="")
    revoked_at: Mapped[datetime | None]


class StorageProbe(Main):
    """A file that every worker must find in its storage before it takes a step: the same storage, then."""

    __tablename__ = "storage_probe"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    made_at: Mapped[datetime] = mapped_column(default=now())


class MetricPoint(Telemetry):
    __tablename__ = "metric_point"
    __table_args__ = (Index(None, "run_id", "step_id", "attempt", "id"),)

    id: Mapped[int] = mapped_column(_Serial, primary_key=True, autoincrement=True)
    run_id: Mapped[str] = mapped_column(String(40))
    step_id: Mapped[str] = mapped_column(String(40))
    attempt: Mapped[int]
    step: Mapped[int] = mapped_column(BigInteger)  # the program's own count
    name: Mapped[str] = mapped_column(String(100))
    value: Mapped[float]
    at: Mapped[datetime] = mapped_column(default=now())


class LogChunk(Telemetry):
    """Whole lines of an attempt's log; ``line`` is the number of the first one, counted from 1."""

    __tablename__ = "log_chunk"
    __table_args__ = (Index(None, "run_id", "step_id", "attempt", "line"),)

    id: Mapped[int] = mapped_column(_Serial, primary_key=True, autoincrement=True)
    run_id: Mapped[str] = mapped_column(String(40))
    step_id: Mapped[str] = mapped_column(String(40))
    attempt: Mapped[int]
    line: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(default=now())
