"""Two of the product's own verbs at the very same moment, many times over, on both databases.

Each side has services of its own, as two processes would: engine, connections and SQLite's gate.
"""

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import pytest

from app.core.services import Services
from app.core.settings import Settings
from app.handlers import open_services
from app.runs import leases, queries, service
from app.runs.launch import LaunchRequest, RunLauncher
from app.runs.leases import Ending, Lease
from app.runs.service import RunEndedAlready
from app.runs.states import RUN_ENDS, STEP_ENDS, AttemptStatus, StepState
from app.runs.tables import RunEvent, Step
from ml.pipeline.definition import Pipeline, ProgramStep, StepOutput
from tests.programs.installation import Inbox
from tests.reliability.remains import WatchOfAnyProgram

pytestmark = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)

ROUNDS = int(os.environ.get("FITTINGROOM_ROUNDS", "200"))
SINGLE = Pipeline("single", (), (), (ProgramStep("only", "tests.programs.toy", cached=False),))
JOINED = Pipeline(
    "joined",
    (),
    (),
    (
        ProgramStep("left", "tests.programs.toy", cached=False),
        ProgramStep("right", "tests.programs.toy", cached=False),
        ProgramStep(
            "join",
            "tests.programs.toy",
            inputs={"left": StepOutput("left"), "right": StepOutput("right")},
            cached=False,
        ),
    ),
)


@dataclass
class Side:
    """One of two that meet."""

    services: Services
    inbox: Inbox
    said: list[object] = field(default_factory=list)


@dataclass
class Meeting:
    sides: tuple[Side, Side]
    artifact: str

    @property
    def services(self) -> Services:
        return self.sides[0].services

    def launch(self, pipeline: str) -> tuple[str, dict[str, Step]]:
        launcher = self.services.launcher
        assert isinstance(launcher, RunLauncher)
        with self.services.works.writing() as work:
            run_id = launcher.start(work, LaunchRequest(pipeline, "usr_1", {})).id
        for side in self.sides:
            side.inbox.sent.clear()
            side.said.clear()
        return run_id, self.steps(run_id)

    def steps(self, run_id: str) -> dict[str, Step]:
        with self.services.works.reading() as work:
            return {step.name: step for step in queries.steps_of(work.session, run_id)}

    def claim(self, step: Step, seconds: float = 60) -> Lease:
        with self.services.works.writing() as work:
            lease = leases.claim(work, step, "somebody", seconds)
        assert lease is not None
        return lease

    def succeeded(self) -> Ending:
        return Ending(StepState.SUCCEEDED, AttemptStatus.SUCCEEDED, artifact=self.artifact, artifact_size=7)

    def at_once(self, *acts: Callable[[Side], object]) -> None:
        barrier = threading.Barrier(len(acts))

        def meet(side: Side, act: Callable[[Side], object]) -> None:
            barrier.wait()
            side.said.append(act(side))

        threads = [threading.Thread(target=meet, args=pair) for pair in zip(self.sides, acts, strict=True)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def events(self, run_id: str, kind: str) -> list[RunEvent]:
        with self.services.works.reading() as work:
            found = work.session.query(RunEvent).filter_by(run_id=run_id, kind=kind)
            return list(found.order_by(RunEvent.seq))


@pytest.fixture
def meeting(settings: Settings) -> Iterator[Meeting]:
    sides = _side(settings), _side(settings)
    storage = sides[0].services.storage
    artifact = storage.put_manifest([replace(storage.put_bytes(b"outcome"), path="value.json")])
    yield Meeting(sides, artifact.sha256)
    for side in sides:
        side.services.close()


def _side(settings: Settings) -> Side:
    inbox = Inbox()
    services = open_services(settings)
    launcher = RunLauncher({each.name: each for each in (SINGLE, JOINED)}, inbox)
    return Side(replace(services, messenger=inbox, launcher=launcher), inbox)


def finishing(lease: Lease, ending: Ending) -> Callable[[Side], bool]:
    def finish(side: Side) -> bool:
        with side.services.works.writing() as work:
            return leases.finish(work, side.services, lease, ending)

    return finish


def cancelling(run_id: str) -> Callable[[Side], str]:
    def cancel(side: Side) -> str:
        try:
            with side.services.works.writing() as work:
                service.cancel(work, side.services, run_id, "usr_1")
        except RunEndedAlready:
            return "too late"
        return "cancelled"

    return cancel


def test_c18_a_cancellation_that_meets_a_commit_gives_one_terminal_state(meeting: Meeting) -> None:
    endings = (
        meeting.succeeded(),
        Ending(StepState.FAILED, AttemptStatus.FAILED, "It failed."),
        Ending(StepState.READY, AttemptStatus.LOST, "Its worker was lost."),
        leases.released(),
    )
    watch, outcomes = WatchOfAnyProgram(meeting.services), set()
    for number in range(ROUNDS // 5):
        ending = endings[number % len(endings)]
        run_id, steps = meeting.launch("single")
        lease = meeting.claim(steps["only"])
        meeting.at_once(finishing(lease, ending), cancelling(run_id))
        step = meeting.steps(run_id)["only"]
        ends = [event.data["status"] for event in meeting.events(run_id, "run")]
        ends = [status for status in ends if status in RUN_ENDS]
        assert len(ends) == 1, (number, ending.to, ends)
        assert step.state in STEP_ENDS
        outcomes.add((ending.to, ends[0]))
        assert ends[0] == step.state
        if ending.to == StepState.SUCCEEDED:
            assert step.state == StepState.SUCCEEDED  # work that was done is not thrown away
    watch.look()
    assert outcomes >= {(StepState.SUCCEEDED, "succeeded"), (StepState.READY, "cancelled")}


def test_c19_of_two_reapers_each_expired_step_is_taken_back_by_one(meeting: Meeting) -> None:
    watch = WatchOfAnyProgram(meeting.services)

    def reap(side: Side) -> int:
        with side.services.works.reading() as work:
            expired = queries.expired_steps(work.session)
        both_have_seen.wait()
        count = 0
        for step in expired:
            with side.services.works.writing() as work:
                count += leases.reap(work, side.services, step)
        return count

    for _ in range(ROUNDS // 25):
        runs = [meeting.launch("single") for _ in range(5)]
        for _, steps in runs:
            meeting.claim(steps["only"], seconds=-1)
        both_have_seen = threading.Barrier(2)
        meeting.at_once(reap, reap)
        assert sum(int(str(side.said[0])) for side in meeting.sides) == len(runs)
        for run_id, steps in runs:
            lost = [event for event in meeting.events(run_id, "attempt") if event.data["status"] == "lost"]
            assert len(lost) == 1
            sent = [step_id for side in meeting.sides for step_id, _ in side.inbox.sent]
            assert sent.count(steps["only"].id) == 1
            step = meeting.steps(run_id)["only"]
            assert (step.state, step.attempt, step.fence) == (StepState.READY, 1, 1)
            meeting.at_once(finishing(meeting.claim(step), meeting.succeeded()), lambda _side: None)
    watch.look()


def test_c21_two_parents_that_commit_at_once_make_the_child_ready_once(meeting: Meeting) -> None:
    watch = WatchOfAnyProgram(meeting.services)
    for number in range(ROUNDS):
        run_id, steps = meeting.launch("joined")
        left, right = (meeting.claim(steps[name]) for name in ("left", "right"))
        meeting.at_once(finishing(left, meeting.succeeded()), finishing(right, meeting.succeeded()))
        assert [side.said for side in meeting.sides] == [[True], [True]]
        join = meeting.steps(run_id)["join"]
        assert join.state == StepState.READY, number
        became = [event.data["state"] for event in meeting.events(run_id, "step") if event.step_id == join.id]
        assert became == [StepState.READY]
        assert [each for side in meeting.sides for each in side.inbox.sent] == [(join.id, "cpu")]
    watch.look()
