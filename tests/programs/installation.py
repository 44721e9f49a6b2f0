"""An installation whose pipelines are toys: real databases, storage, worker code and child processes."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from app.core.errors import Conflict
from app.core.services import Handlers, NativeCall, Services
from app.core.work import Work
from app.runs import queries
from app.runs.launch import LaunchRequest, RunLauncher
from app.runs.queries import RunDetail
from app.runs.tables import Run
from tests.programs.pipelines import PIPELINES
from workers.slots import HEAVY, LIGHT, Slots
from workers.steps import StepWorker

ALL = ("cpu", "gpu", "io")


@dataclass
class Inbox:
    """Keeps what would go to the broker, so that a test decides when it arrives, how often, and whether."""

    sent: list[tuple[str, str]] = field(default_factory=list)

    def send_step(self, step_id: str, queue: str) -> None:
        self.sent.append((step_id, queue))


def register(_work: Work, _services: Services, call: NativeCall) -> Mapping[str, Any]:
    """Answers as the registry does; it refuses a model by the name of "refused"."""
    if call.parameters.get("model") == "refused":
        raise Conflict("The registry is closed.", "Open it.")
    if call.parameters.get("model") == "broken":
        raise ZeroDivisionError("a defect of the handler")
    return {"model": "toy", "version": 1, "files": [file.path for file in call.inputs["model"].files]}


def toy_services(services: Services, messenger: Any = None) -> Services:
    messenger = messenger or services.messenger
    return replace(
        services,
        messenger=messenger,
        launcher=RunLauncher(PIPELINES, messenger),
        handlers=Handlers(native={"register": register}),
    )


@dataclass
class Toys:
    """Runs of toy pipelines, executed here by the worker's own code, one message after the other."""

    services: Services
    inbox: Inbox

    @property
    def worker(self) -> StepWorker:
        return StepWorker(self.services, "here", Slots(ALL, {HEAVY: 2, LIGHT: 2}))

    def launch(self, pipeline: str = "toys", content: bytes = b"reviews", **request: Any) -> str:
        storage = self.services.storage
        tree = storage.put_manifest([replace(storage.put_bytes(content), path="reviews.txt")])
        inputs = {"dataset": tree.sha256} if PIPELINES[pipeline].inputs else {}
        wanted = {"pipeline": pipeline, "actor_id": "usr_1", "inputs": inputs, **request}
        return self.start(LaunchRequest(**wanted)).id

    def start(self, request: LaunchRequest) -> Run:
        launcher = self.services.launcher
        assert isinstance(launcher, RunLauncher)
        with self.services.works.writing() as work:
            return launcher.start(work, request)

    def deliver(self, limit: int = 1000) -> int:
        """Execute messages until none is left, as one worker would; return how many there were."""
        count = 0
        while self.inbox.sent and count < limit:
            step_id, _ = self.inbox.sent.pop(0)
            self.worker.execute(step_id)
            count += 1
        return count

    def detail(self, run_id: str) -> RunDetail:
        with self.services.works.reading() as work:
            detail = queries.run_detail(work.session, run_id)
        assert detail is not None
        return detail

    def states(self, run_id: str) -> dict[str, str]:
        return {step.name: step.state for step in self.detail(run_id).steps}

    def text(self, run_id: str, step: str, path: str) -> str:
        found = self.detail(run_id).step(step)
        assert found is not None
        assert found.artifact is not None
        storage = self.services.storage
        return storage.read_bytes(storage.tree(found.artifact).find(path).sha256).decode()
