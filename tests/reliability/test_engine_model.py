"""C24: whatever people, workers, messages and the database do, in whatever order, the promise holds.

Hypothesis makes up the sequences; a few hundred here, ten thousand by
``FITTINGROOM_SEQUENCES=10000 pytest tests/reliability/test_engine_model.py``.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ml.pipeline.definition import (
    Condition,
    GateStep,
    NativeStep,
    Pipeline,
    ProgramStep,
    Property,
    StepOutput,
)
from ml.pipeline.definition import Step as DefinedStep
from tests.programs.signed import VALUE
from tests.reliability.simulation import (
    CANCEL,
    EXIT_CODES,
    LEASE_SECONDS,
    RETRY,
    SimulatedWorker,
    Simulation,
    World,
    world,
)

SEQUENCES = int(os.environ.get("FITTINGROOM_SEQUENCES", "150"))
ACTIONS = 24
RUNS, WORKERS, MESSAGES, HELD = 3, 3, 60, 3
MEMORY = Path("/dev/shm")
PLACES = st.integers(0, 100)  # taken modulo how many there are


@st.composite
def pipelines(draw: st.DrawFn) -> Pipeline:
    """Programs in any shape, gates that open or stay closed, and steps without a program behind them."""
    number = draw(st.shared(st.builds(count), key="pipelines"))
    steps: list[DefinedStep] = []
    guarded: dict[str, tuple[str, ...]] = {}
    for index in range(draw(st.integers(1, 5))):
        name = f"s{index}"
        programs = [step.name for step in steps if isinstance(step, ProgramStep)]
        gates = [step.name for step in steps if isinstance(step, GateStep)]
        for gate in gates:
            if draw(st.booleans()):
                guarded[gate] = (*guarded.get(gate, ()), name)
        kind = draw(st.sampled_from(("program", "program", "gate", "register"))) if programs else "program"
        steps.append(_step(draw, name, kind, programs))
    named = [
        GateStep(step.name, step.conditions, guarded.get(step.name, ()))
        if isinstance(step, GateStep)
        else step
        for step in steps
    ]
    return Pipeline(f"dag{next(number)}", (), (), tuple(named))


def _step(draw: st.DrawFn, name: str, kind: str, programs: list[str]) -> DefinedStep:
    if kind == "gate":
        measured = Property(draw(st.sampled_from(programs)), VALUE, "metrics.accuracy.value")
        return GateStep(
            name, (Condition(measured, ">=", draw(st.sampled_from((0.5, 0.99))), "accuracy"),), ()
        )
    if kind == "register":
        return NativeStep(name, "register", inputs={"model": StepOutput(draw(st.sampled_from(programs)))})
    needs = draw(st.lists(st.sampled_from(programs), unique=True, max_size=3)) if programs else []
    return ProgramStep(
        name,
        "tests.programs.signed",
        inputs={need: StepOutput(need) for need in needs},
        queue=draw(st.sampled_from(("cpu", "io"))),
        cached=draw(st.booleans()),
    )


class EngineMachine(RuleBasedStateMachine):
    """A person, a few workers, a broker that keeps no promise, and a database that may restart."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.sim: Simulation = self.world.begin()

    def teardown(self) -> None:
        self.sim.heal()

    # People

    @initialize(pipeline=pipelines())
    def launch_first(self, pipeline: Pipeline) -> None:
        self.sim.launch(pipeline)

    @precondition(lambda self: len(self.sim.runs) < RUNS)
    @rule(pipeline=pipelines())
    def launch(self, pipeline: Pipeline) -> None:
        self.sim.launch(pipeline)

    @precondition(lambda self: self.sim.can_end)
    @rule(place=PLACES)
    def cancel(self, place: int) -> None:
        self.sim.ask(CANCEL, self.sim.can_end[place % len(self.sim.can_end)])

    @precondition(lambda self: self.sim.can_go_on)
    @rule(place=PLACES)
    def retry(self, place: int) -> None:
        self.sim.ask(RETRY, self.sim.can_go_on[place % len(self.sim.can_go_on)])

    # Messages

    @precondition(lambda self: self.sim.inbox.sent and any(len(one.held) < HELD for one in self.sim.awake()))
    @rule(place=PLACES, whose=PLACES, twice=st.booleans())
    def deliver(self, place: int, whose: int, twice: bool) -> None:
        free = [worker for worker in self.sim.awake() if len(worker.held) < HELD]
        self.sim.deliver(place % len(self.sim.inbox.sent), free[whose % len(free)], twice=twice)

    @precondition(lambda self: self.sim.inbox.sent)
    @rule(everything=st.booleans(), place=PLACES)
    def lose_messages(self, everything: bool, place: int) -> None:
        if everything:
            self.sim.inbox.sent.clear()
        else:
            self.sim.inbox.sent.pop(place % len(self.sim.inbox.sent))

    # Workers

    @precondition(lambda self: any(len(one.held) < HELD for one in self.sim.awake()))
    @rule(whose=PLACES)
    def take_what_waits(self, whose: int) -> None:
        """The usual way, so that sequences get somewhere: look for work, be sent it, take it."""
        free = [worker for worker in self.sim.awake() if len(worker.held) < HELD]
        worker = free[whose % len(free)]
        with self.sim.survived():
            worker.dispatcher.tick(0)
        if self.sim.inbox.sent:
            self.sim.deliver(0, worker)

    @precondition(lambda self: self._holders())
    @rule(whose=PLACES)
    def program_succeeds(self, whose: int) -> None:
        worker = self._holders()[whose % len(self._holders())]
        with self.sim.survived():
            worker.end(worker.held[0], 0)

    @precondition(lambda self: self._holders())
    @rule(place=PLACES, whose=PLACES)
    def beat(self, place: int, whose: int) -> None:
        worker = self._holders()[whose % len(self._holders())]
        with self.sim.survived():
            worker.beat(worker.held[place % len(worker.held)])

    @precondition(lambda self: self._holders())
    @rule(place=PLACES, whose=PLACES, how=st.sampled_from(sorted(EXIT_CODES)))
    def program_ends(self, place: int, whose: int, how: str) -> None:
        worker = self._holders()[whose % len(self._holders())]
        with self.sim.survived():
            worker.end(worker.held[place % len(worker.held)], EXIT_CODES[how])

    # Jobs at AWS

    @precondition(lambda self: self._holders())
    @rule(place=PLACES, whose=PLACES)
    def hand_over(self, place: int, whose: int) -> None:
        worker = self._holders()[whose % len(self._holders())]
        self.sim.hand_over(worker, worker.held[place % len(worker.held)])

    @precondition(lambda self: self.sim.remote)
    @rule(place=PLACES, how=st.sampled_from(sorted(EXIT_CODES)), twice=st.booleans())
    def job_ends(self, place: int, how: str, twice: bool) -> None:
        self.sim.job_ends(self.sim.remote[place % len(self.sim.remote)], EXIT_CODES[how], twice=twice)

    # Workers that come and go

    @precondition(lambda self: len(self.sim.workers) < WORKERS)
    @rule()
    def hire(self) -> None:
        self.sim.hire()

    @precondition(lambda self: self.sim.workers)
    @rule(whose=PLACES)
    def die(self, whose: int) -> None:
        self.sim.die(self.sim.workers[whose % len(self.sim.workers)])

    @precondition(lambda self: self.sim.awake())
    @rule(whose=PLACES)
    def stop(self, whose: int) -> None:
        self.sim.stop(self.sim.awake()[whose % len(self.sim.awake())])

    @precondition(lambda self: self.sim.awake())
    @rule(whose=PLACES)
    def freeze(self, whose: int) -> None:
        self.sim.awake()[whose % len(self.sim.awake())].frozen = True

    @precondition(lambda self: self._holders())
    @rule(whose=PLACES)
    def oversleep(self, whose: int) -> None:
        self.sim.oversleep(self._holders()[whose % len(self._holders())])

    @precondition(lambda self: any(worker.frozen for worker in self.sim.workers))
    @rule()
    def thaw(self) -> None:
        for worker in self.sim.workers:
            worker.frozen = False

    @precondition(lambda self: self.sim.awake() and len(self.sim.inbox.sent) < MESSAGES)
    @rule(whose=PLACES)
    def dispatch(self, whose: int) -> None:
        with self.sim.survived():
            self.sim.awake()[whose % len(self.sim.awake())].dispatcher.tick()

    # Time, and a reaper that is slow

    @rule(seconds=st.sampled_from((0.5, 2.0, LEASE_SECONDS / 2, LEASE_SECONDS + 1, 2 * LEASE_SECONDS)))
    def pass_time(self, seconds: float) -> None:
        self.sim.pass_time(seconds)

    @precondition(lambda self: not self.sim.looked_at and (self.sim.orphans or self._holders()))
    @rule()
    def look_for_expired(self) -> None:
        self.sim.look_for_expired()

    @precondition(lambda self: self.sim.looked_at)
    @rule()
    def reap_what_was_seen(self) -> None:
        self.sim.reap_what_was_seen()

    @precondition(lambda self: not self.sim.fault)
    @rule(moment=st.sampled_from(("begin", "commit", "answer")))
    def database_will_fail(self, moment: str) -> None:
        self.sim.fault = moment

    @invariant()
    def promise_holds(self) -> None:
        self.sim.check()

    def _holders(self) -> list[SimulatedWorker]:
        return [worker for worker in self.sim.awake() if worker.held]


@pytest.fixture(scope="module")
def simulated(migrated_home: Path) -> Iterator[World]:
    home = Path(tempfile.mkdtemp(prefix="fr-sim-", dir=MEMORY if MEMORY.is_dir() else None))
    shutil.copytree(migrated_home, home, dirs_exist_ok=True)
    with world(home, migrated_home) as made:
        yield made
    shutil.rmtree(home)


def test_c24_the_promise_holds_after_every_action_of_any_sequence(simulated: World) -> None:
    class Machine(EngineMachine):
        world = simulated

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=SEQUENCES,
            stateful_step_count=ACTIONS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
