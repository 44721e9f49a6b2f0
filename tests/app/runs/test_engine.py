"""The pure engine under every order of events that Hypothesis thinks of."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.runs.engine import StepFact, advance, reopened, run_status
from app.runs.states import RETRIED, STEP_ENDS, TRANSITIONS, IllegalMove, RunStatus, StepState, move

READY, BLOCKED, LEASED = StepState.READY, StepState.BLOCKED, StepState.LEASED
SUCCEEDED, FAILED, SKIPPED = StepState.SUCCEEDED, StepState.FAILED, StepState.SKIPPED


class Row:
    def __init__(self, state: str) -> None:
        self.state = state


class Machine:
    """A run whose steps are moved by events and then by the engine, checked after each."""

    def __init__(self, shape: list[tuple[tuple[str, ...], tuple[str, ...]]]) -> None:
        self.needs = {f"s{i}": needs for i, (needs, _) in enumerate(shape)}
        self.gates = {f"s{i}": gates for i, (_, gates) in enumerate(shape)}
        self.rows = {name: Row(BLOCKED) for name in self.needs}
        self.passed: dict[str, bool] = {}
        self.cancel = False
        self.settle()

    def facts(self) -> list[StepFact]:
        return [
            StepFact(name, StepState(row.state), self.needs[name], self.gates[name], self.passed.get(name))
            for name, row in self.rows.items()
        ]

    def settle(self) -> None:
        for change in advance(self.facts(), cancel=self.cancel):
            move(self.rows[change.name], change.to)
        assert advance(self.facts(), cancel=self.cancel) == [], "one pass reaches the end"
        for fact in self.facts():
            if fact.state in (READY, LEASED, SUCCEEDED):
                before = [self.rows[name].state for name in (*fact.needs, *fact.gates)]
                assert set(before) <= {SUCCEEDED}, "no step starts early"
                assert all(self.passed.get(gate, True) for gate in fact.gates)

    def in_state(self, state: StepState) -> list[str]:
        return [name for name, row in self.rows.items() if row.state == state]

    @property
    def status(self) -> RunStatus:
        return run_status(self.facts(), started=True)


@st.composite
def shapes(draw: st.DrawFn) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    count = draw(st.integers(1, 7))
    shape = []
    for index in range(count):
        earlier = [f"s{i}" for i in range(index)]
        some = st.lists(st.sampled_from(earlier), unique=True, max_size=3) if earlier else st.just([])
        shape.append((tuple(draw(some)), tuple(draw(some))))
    return shape


@settings(max_examples=300, deadline=None)
@given(shapes(), st.data())
def test_every_run_ends_and_no_step_starts_early(
    shape: list[tuple[tuple[str, ...], tuple[str, ...]]], data: st.DataObject
) -> None:
    machine = Machine(shape)
    ended: dict[str, str] = {}
    for _ in range(60):
        possible = [("claim", name) for name in machine.in_state(READY)]
        possible += [
            (event, name) for name in machine.in_state(LEASED) for event in ("ok", "closed", "no", "back")
        ]
        if not possible:
            break
        event, name = data.draw(st.sampled_from(possible))
        apply_event(machine, event, name)
        if not machine.cancel and data.draw(st.integers(0, 19)) == 0:
            machine.cancel = True
        machine.settle()
        for step, state in ended.items():
            assert machine.rows[step].state == state, "an end is final"
        ended |= {name: row.state for name, row in machine.rows.items() if row.state in STEP_ENDS}
    finish(machine)
    assert {row.state for row in machine.rows.values()} <= STEP_ENDS
    assert machine.status in (RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED)


def apply_event(machine: Machine, event: str, name: str) -> None:
    row = machine.rows[name]
    if event == "claim":
        move(row, LEASED)
    elif event == "no":
        move(row, FAILED)
    elif event == "back":
        move(row, StepState.CANCELLED if machine.cancel else READY)
    else:
        machine.passed[name] = event == "ok"
        move(row, SUCCEEDED)


def finish(machine: Machine) -> None:
    while names := machine.in_state(READY) + machine.in_state(LEASED):
        for name in names:
            if machine.rows[name].state == READY:
                apply_event(machine, "claim", name)
            apply_event(machine, "ok", name)
        machine.settle()


@settings(max_examples=100, deadline=None)
@given(shapes(), st.data())
def test_a_retry_opens_everything_that_did_not_succeed_and_can_end_well(
    shape: list[tuple[tuple[str, ...], tuple[str, ...]]], data: st.DataObject
) -> None:
    machine = Machine(shape)
    while names := machine.in_state(READY):
        name = data.draw(st.sampled_from(names))
        apply_event(machine, "claim", name)
        apply_event(machine, data.draw(st.sampled_from(["ok", "no"])), name)
        machine.settle()
    kept = set(machine.in_state(SUCCEEDED))
    for change in reopened(machine.facts()):
        move(machine.rows[change.name], change.to)
    machine.settle()
    finish(machine)
    assert machine.status == RunStatus.SUCCEEDED
    assert kept <= set(machine.in_state(SUCCEEDED))


def test_two_parents_that_finish_together_open_the_child_once() -> None:
    facts = [StepFact("a", SUCCEEDED), StepFact("b", SUCCEEDED), StepFact("c", BLOCKED, ("a", "b"))]
    assert [(change.name, change.to) for change in advance(facts)] == [("c", READY)]
    assert advance([facts[0], StepFact("b", LEASED), facts[2]]) == []


def sharded(*states: StepState, after: StepState = BLOCKED) -> list[StepFact]:
    """Shards in these states, the step that merges them, and one that follows."""
    shards = [StepFact(f"s[{number}]", state) for number, state in enumerate(states, 1)]
    return [*shards, StepFact("s", after, tuple(s.name for s in shards)), StepFact("next", after, ("s",))]


def test_shards_are_merged_once_all_of_them_have_succeeded() -> None:
    assert advance(sharded(SUCCEEDED, LEASED, READY)) == []
    (change,) = advance(sharded(SUCCEEDED, SUCCEEDED, SUCCEEDED))
    assert (change.name, change.to) == ("s", READY)


def test_a_failed_shard_leaves_the_others_at_work_and_a_retry_opens_it_alone() -> None:
    facts = sharded(SUCCEEDED, FAILED, LEASED)
    assert [(change.name, change.to) for change in advance(facts)] == [("s", SKIPPED), ("next", SKIPPED)]
    assert run_status(facts, started=True) == RunStatus.RUNNING
    ended = sharded(SUCCEEDED, FAILED, SUCCEEDED, after=SKIPPED)
    assert run_status(ended, started=True) == RunStatus.FAILED
    assert [change.name for change in reopened(ended)] == ["s[2]", "s", "next"]
    (change,) = advance(sharded(SUCCEEDED, BLOCKED, SUCCEEDED))
    assert (change.name, change.to) == ("s[2]", READY)


def test_a_failure_is_told_to_all_that_follow_with_its_reason() -> None:
    facts = [StepFact("a", FAILED), StepFact("b", BLOCKED, ("a",)), StepFact("c", BLOCKED, ("b",))]
    changes = advance(facts)
    assert [(change.name, change.to) for change in changes] == [("b", SKIPPED), ("c", SKIPPED)]
    assert changes[0].reason == "Not run: a failed."
    assert changes[1].reason == "Not run: b skipped."


@pytest.mark.parametrize(
    ("states", "started", "status"),
    [
        ([READY, BLOCKED], False, RunStatus.QUEUED),
        ([READY, BLOCKED], True, RunStatus.RUNNING),
        ([SUCCEEDED, LEASED], True, RunStatus.RUNNING),
        ([SUCCEEDED, SKIPPED], True, RunStatus.SUCCEEDED),
        ([FAILED, SKIPPED], True, RunStatus.FAILED),
        ([FAILED, LEASED], True, RunStatus.RUNNING),
        ([StepState.CANCELLED, FAILED], True, RunStatus.FAILED),
        ([SUCCEEDED, StepState.CANCELLED], True, RunStatus.CANCELLED),
    ],
)
def test_the_status_of_a_run_follows_from_its_steps(
    states: list[StepState], started: bool, status: RunStatus
) -> None:
    facts = [StepFact(str(index), state) for index, state in enumerate(states)]
    assert run_status(facts, started=started) == status


def test_only_what_did_not_succeed_can_be_left_again() -> None:
    assert {state for state in STEP_ENDS if TRANSITIONS[state]} == RETRIED
    with pytest.raises(IllegalMove):
        move(Row(SUCCEEDED), READY)
