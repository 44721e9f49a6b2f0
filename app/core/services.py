"""What one process of the product stands on, built once at its start and handed to whoever needs it.

The protocols here let a lower feature reach a higher one without importing it: ``handlers.py`` connects.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol

from fastapi import Depends, Request

from app.core.changes import Watcher
from app.core.database import Databases
from app.core.settings import Settings
from app.core.storage import LocalStorage, Tree
from app.core.work import Work, Works
from ml.pipeline.definition import ParameterValue


class Messenger(Protocol):
    """Tells the workers that a step is ready. Best effort: the dispatcher re-sends what is lost."""

    def send_step(self, step_id: str, queue: str) -> None: ...


class Launcher(Protocol):
    """Starts a run within the caller's unit of work and returns its id."""

    def launch(
        self,
        work: Work,
        *,
        actor_id: str,
        pipeline: str,
        inputs: Mapping[str, str],
        parameters: Mapping[str, ParameterValue],
        subject_id: str,
        label: str,
    ) -> str: ...


@dataclass(frozen=True)
class NativeCall:
    """What a step without a program is given. ``programs`` maps a step's name to its program version."""

    run_id: str
    step_id: str
    actor_id: str
    subject_id: str | None
    parameters: Mapping[str, ParameterValue]
    arguments: Mapping[str, ParameterValue]
    inputs: Mapping[str, Tree]
    programs: Mapping[str, str]


class NativeHandler(Protocol):
    """Runs inside the transaction that finishes the step; a FittingRoomError fails the step."""

    def __call__(self, work: Work, services: "Services", call: NativeCall) -> Mapping[str, Any]: ...


class RunMoved(Protocol):
    """Told whenever a run of its pipeline changes its status, inside the transaction that changes it.

    A retry moves a run that had ended back to ``queued`` or ``running``. ``message`` says how it ended.
    """

    def __call__(self, work: Work, *, status: str, subject_id: str | None, message: str) -> None: ...


@dataclass(frozen=True)
class Handlers:
    """``native`` by the step's kind, ``moved`` by the pipeline's name."""

    native: Mapping[str, NativeHandler] = field(default_factory=dict)
    moved: Mapping[str, RunMoved] = field(default_factory=dict)


@dataclass(frozen=True)
class Services:
    settings: Settings
    databases: Databases
    works: Works
    storage: LocalStorage
    watcher: Watcher
    messenger: Messenger
    launcher: Launcher
    handlers: Handlers

    def close(self) -> None:
        self.databases.close()


def services_of(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


def _reading(request: Request) -> Iterator[Work]:
    with services_of(request).works.reading() as work:
        yield work


def _writing(request: Request) -> Iterator[Work]:
    with services_of(request).works.writing() as work:
        yield work


AppServices = Annotated[Services, Depends(services_of)]
# scope="function": without it the commit comes after the client has its answer, and a redirect shows
# the page from before.
Reading = Annotated[Work, Depends(_reading, scope="function")]
Writing = Annotated[Work, Depends(_writing, scope="function")]
