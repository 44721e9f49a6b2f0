"""Where a run's steps are executed, and in which order: its device, and its priority.

A pipeline's queue ``gpu`` says that a step is better off on a card. Whether it gets one is settled when
the step becomes ready, by what its run was launched with and by who is there then. From then on the step's
queue is the truth, and only a worker with a card serves ``gpu``.
"""

from collections.abc import Mapping, Set
from typing import Literal

from sqlalchemy.orm import Session

from app.core.errors import Invalid
from app.runs.tables import Run, Step
from app.runs.workers import queries as worker_queries

AUTO, CPU, GPU = "auto", "cpu", "gpu"
DEVICES = (AUTO, CPU, GPU)
Device = Literal["auto", "cpu", "gpu"]
Priority = Literal["low", "normal", "high"]
PRIORITIES: Mapping[str, int] = {"low": -1, "normal": 0, "high": 1}


def queue_for(wanted: str, device: str, served: Set[str]) -> str:
    """``wanted`` by the pipeline, on a run of that device, while these queues are served."""
    if wanted != GPU or device == GPU:
        return wanted
    return GPU if device == AUTO and GPU in served else CPU


def queue_now(session: Session, run: Run, step: Step) -> str:
    """By what the pipeline wants for it, wherever it ran before."""
    wanted = step.spec.get("queue") or step.queue
    if wanted != GPU:
        return wanted  # nobody has to be asked
    workers = worker_queries.serving_workers(session)
    return queue_for(wanted, run.device, worker_queries.served_queues(workers))


def priority_of(word: str) -> int:
    if word not in PRIORITIES:
        raise Invalid(f"There is no priority {word!r}.", f"Choose one of {', '.join(PRIORITIES)}.")
    return PRIORITIES[word]


def priority_word(number: int) -> str:
    return next((word for word, value in PRIORITIES.items() if value == number), "normal")


def known_device(word: str) -> str:
    if word not in DEVICES:
        raise Invalid(f"There is no device {word!r}.", f"Choose one of {', '.join(DEVICES)}.")
    return word
