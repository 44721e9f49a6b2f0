"""Shards on whole workers: one of them killed in the middle of a shard costs that shard an attempt."""

from pathlib import Path

from app.runs.tables import Step
from tests.programs.fleet import Fleet, wait_until

LETTERS = b"abcdefghij"


def shards(fleet: Fleet, run_id: str) -> list[Step]:
    return [step for step in fleet.toys.detail(run_id).steps if step.part_of]


def test_a_worker_killed_in_the_middle_of_a_shard_costs_that_one_alone_an_attempt(
    fleet: Fleet, tmp_path: Path
) -> None:
    (tmp_path / "wait-2").touch()
    first = fleet.start("io")
    run_id = fleet.toys.launch("sharded", LETTERS, parameters={"shards": 4, "told": str(tmp_path)})

    def only_one_is_left() -> bool:
        states = [step.state for step in shards(fleet, run_id)]
        return states == ["succeeded", "leased", "succeeded", "succeeded"]

    wait_until(only_one_is_left, "all shards but one were done")
    first.kill()
    first.wait()
    before = shards(fleet, run_id)
    (tmp_path / "wait-2").unlink()
    fleet.start("io")
    wait_until(lambda: fleet.toys.detail(run_id).run.status == "succeeded", "the run succeeded")
    detail = fleet.toys.detail(run_id)
    attempts = [[attempt.status for attempt in detail.attempts[step.id]] for step in before]
    assert attempts == [["succeeded"], ["lost", "succeeded"], ["succeeded"], ["succeeded"]]
    kept = [(old.artifact, new.artifact) for old, new in zip(before, shards(fleet, run_id), strict=True)]
    assert [old == new for old, new in kept] == [True, False, True, True]
    assert fleet.toys.text(run_id, "prepare", "merged.txt") == LETTERS.decode()
