"""What one process of the product stands on, built once at its start and handed to whoever needs it.

The protocols here let a lower feature reach a higher one without importing it: ``handlers.py`` connects.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol

from fastapi import Depends, Request

from app.core.changes import Watcher
from app.core.database import Databases
from app.core.settings import Settings
from app.core.storage import Storage, Tree
from app.core.work import Work, Works
from ml.pipeline.definition import ParameterValue


class Messenger(Protocol):
    """Tells the workers that a step is ready. Best effort: the dispatcher re-sends what is lost."""

    def send_step(self, step_id: str, queue: str) -> None: ...


@dataclass(frozen=True)
class Standing:
    """How far a run is. ``share`` is of the step that is running; ``unserved`` is a queue that nobody serves.

    ``advice`` says what to do about a failed one.
    """

    number: int
    status: str
    phase: str = ""
    share: float | None = None
    seconds_left: float | None = None
    unserved: str = ""
    advice: str = ""


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

    def standing(self, work: Work, run_id: str) -> Standing | None: ...

    def cancel(self, work: Work, services: "Services", run_id: str, actor_id: str) -> None: ...


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


@dataclass(frozen=True)
class RunMove:
    """A run's new status. ``actor_id`` launched it; ``message`` says how it ended.

    A retry moves a run that had ended back to ``queued`` or ``running``.
    """

    run_id: str
    number: int
    pipeline: str
    label: str
    status: str
    message: str
    actor_id: str
    subject_id: str | None


class RunMoved(Protocol):
    """Told of every run's new status, inside the transaction that changes it."""

    def __call__(self, work: Work, move: RunMove) -> None: ...


@dataclass(frozen=True)
class VersionMove:
    """A model version that was registered, decided on or voided, by ``actor_id`` and with this ``reason``.

    ``status`` is its new one, in the registry's words.
    """

    version_id: str
    model_id: str
    model: str
    number: int
    author_id: str
    status: str
    actor_id: str
    reason: str = ""


class VersionMoved(Protocol):
    """Told of every model version's new status, inside the transaction that changes it."""

    def __call__(self, work: Work, move: VersionMove) -> None: ...


@dataclass(frozen=True)
class Subject:
    """Something that people keep, as its own feature tells it to app.keeping.

    ``parts`` are ids that go when it goes; what uses them uses it. ``holds`` is why nothing that it was made
    from may be deleted now ("shop v2 answers on reviews."), ``refusals`` are why it may not be deleted
    itself; with ``alone`` it may not be while anything at all was made from it. ``name`` is what a new name
    would replace, None where it can't be renamed; ``renaming`` says who would notice. ``goes`` says what
    deleting takes away.
    """

    id: str
    kind: str  # in the words of the pages: "data set"
    title: str  # "clothing v3"
    url: str
    state: str = ""  # in the words of the pages' pills: "running"
    list_url: str = ""  # the list that it stands in, where that has filters
    owner_id: str = ""
    parent_id: str | None = None
    name: str | None = None
    renaming: str = ""
    parts: Sequence[str] = ()
    holds: str = ""
    refusals: Sequence[str] = ()
    alone: bool = False
    goes: str = ""
    deleted: bool = False


class Describe(Protocol):
    """The subjects of these ids, by id; one that is not there is left out."""

    def __call__(self, work: Work, ids: Sequence[str], /) -> Mapping[str, Subject]: ...


class Holding(Protocol):
    """Those of many ids that may hold what they were made from, see ``Subject.holds``."""

    def __call__(self, work: Work, ids: Sequence[str], /) -> Sequence[str]: ...


class Rename(Protocol):
    def __call__(self, work: Work, subject_id: str, name: str, /) -> None: ...


class Delete(Protocol):
    """Deletes within the caller's transaction; answers what was taken away, for the audit."""

    def __call__(
        self, work: Work, services: "Services", actor_id: str, subject_id: str, /
    ) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Keeper:
    """How app.keeping reaches the subjects of a feature. Without ``delete`` they are only described.

    ``holding`` spares describing ten thousand runs to find the three that are running.
    """

    describe: Describe
    delete: Delete | None = None
    rename: Rename | None = None
    holding: Holding | None = None


@dataclass(frozen=True)
class Handlers:
    """``native`` by the step's kind; ``moved`` and ``version_moved`` are all told, in this order; ``keepers``
    by the prefix of the ids that they keep."""

    native: Mapping[str, NativeHandler] = field(default_factory=dict)
    moved: Sequence[RunMoved] = ()
    version_moved: Sequence[VersionMoved] = ()
    keepers: Mapping[str, Keeper] = field(default_factory=dict)


@dataclass(frozen=True)
class Services:
    settings: Settings
    databases: Databases
    works: Works
    storage: Storage
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
