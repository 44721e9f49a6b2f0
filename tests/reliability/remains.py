"""What an installation looks like when everything is over, whatever happened on the way."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.accounts import audit
from app.core.errors import FittingRoomError
from app.core.outbox import Message
from app.core.services import Services
from app.runs.states import RUN_ENDS, StepState
from app.runs.tables import Attempt, Run, Step
from tests.reliability.invariants import Watch

UNFINISHED = (".part", ".partial", ".tmp")


class WatchOfAnyProgram(Watch):
    """The invariants of the engine, for programs that sign nothing: every file is read and compared."""

    def _artifact(self, step: Step, _signer: str) -> Iterator[str]:
        if not step.runs_program:
            return
        if (step.state == StepState.SUCCEEDED) != (step.artifact is not None):
            yield f"its artifact is {step.artifact}"
        if step.artifact is None:
            return
        storage = self.services.storage
        try:
            tree = storage.tree(step.artifact)
            for file in tree.files:
                storage.verify(file.sha256)
        except FittingRoomError as error:
            yield error.message
        else:
            if tree.size != step.artifact_size:
                yield f"its artifact has {tree.size} bytes, not {step.artifact_size}"


def complaints(services: Services) -> list[str]:
    """What is not as it should be. Every run has ended by now."""
    home = services.settings.home
    with services.works.reading() as work:
        found = WatchOfAnyProgram(services).violations(work.session)
        found += [*_of_database(work.session), *_of_messages(work.session, home)]
    return [*found, *_of_blobs(home), *_of_directories(home)]


def _of_database(session: Session) -> Iterator[str]:
    for run in session.scalars(select(Run).where(Run.status.not_in(RUN_ENDS))):
        yield f"run {run.number} is still {run.status}"
    for attempt in session.scalars(select(Attempt).where(Attempt.finished_at.is_(None))):
        yield f"attempt {attempt.number} of {attempt.step_id} never ended"
    for row in session.execute(text("PRAGMA integrity_check")).scalars():
        if row != "ok":
            yield f"the database: {row}"
    for key in session.execute(text("PRAGMA foreign_key_check")):
        yield f"a foreign key leads nowhere: {key}"


def _of_messages(session: Session, home: Path) -> Iterator[str]:
    for message in session.scalars(select(Message)):
        yield f"a message of the kind {message.kind} waits: {message.last_error}"
    if wrong := audit.verify(session, audit.anchor_file(home)):
        yield f"the audit: {wrong}"


def _of_blobs(home: Path) -> Iterator[str]:
    """Nothing may be visible under a hash that it has not."""
    for path in (home / "storage" / "blobs").rglob("*"):
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() != path.name:
            yield f"{path.name[:12]}… in the storage has {path.stat().st_size} bytes of something else"


def _of_directories(home: Path) -> Iterator[str]:
    for name in ("storage/scratch", "work", "serving"):
        for left in sorted((home / name).glob("*")):
            yield f"{left.relative_to(home)} was left behind"
    for path in home.rglob("*"):
        if path.suffix in UNFINISHED:
            yield f"{path.relative_to(home)} is a file that nobody finished"
