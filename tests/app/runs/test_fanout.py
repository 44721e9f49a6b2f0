"""Steps in shards, executed by the worker's own code: each is a step of its own, and nothing follows until
they are merged."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from app.core.services import Services
from app.runs import service
from app.runs.launch import LaunchRequest, RunLauncher
from app.runs.tables import Step
from ml.data.importing import Upload, import_upload
from ml.pipeline.catalogue import PIPELINES
from tests.programs.fleet import wait_until
from tests.programs.installation import Inbox, Toys, toy_services

LETTERS = b"abcdefghijk"


def launch(toys: Toys, content: bytes = LETTERS, **parameters: object) -> str:
    return toys.launch("sharded", content=content, parameters=parameters)


def retry(toys: Toys, run_id: str) -> None:
    with toys.services.works.writing() as work:
        service.retry(work, toys.services, run_id, "usr_1")


def shards(toys: Toys, run_id: str) -> list[Step]:
    return [step for step in toys.detail(run_id).steps if step.part_of]


def test_shards_are_steps_and_what_follows_gets_what_they_made_together(toys: Toys) -> None:
    run_id = launch(toys, shards=3)
    steps = toys.detail(run_id).steps
    assert [step.name for step in steps] == ["prepare[1]", "prepare[2]", "prepare[3]", "prepare", "after"]
    assert [(step.part_of, step.shard) for step in steps[:3]] == [("prepare", n) for n in (1, 2, 3)]
    assert {(step.part_of, step.shard) for step in steps[3:]} == {(None, None)}
    assert [step_id for step_id, _ in toys.inbox.sent] == [step.id for step in steps[:3]]
    toys.deliver()
    assert toys.detail(run_id).run.status == "succeeded"
    assert [toys.text(run_id, step.name, "part.txt") for step in steps[:3]] == ["abc", "defg", "hijk"]
    assert toys.text(run_id, "prepare", "merged.txt") == LETTERS.decode()
    assert "merged/merged.txt" in toys.text(run_id, "after", "seen.txt")


def test_one_shard_is_no_shard_and_makes_the_same_artifact(toys: Toys) -> None:
    alone = launch(toys, b"abc", shards=1)
    toys.deliver()
    assert [step.name for step in toys.detail(alone).steps] == ["prepare", "after"]
    assert toys.detail(alone).steps[0].spec["arguments"].keys() == {"ticks", "seconds", "told"}
    many = launch(toys, b"abc", shards=5)  # more shards than letters: some of them are empty
    toys.deliver()
    assert sorted(toys.text(many, step.name, "part.txt") for step in shards(toys, many)) == ["", "", *"abc"]
    made = {step.artifact for run_id in (alone, many) for step in toys.detail(run_id).steps[-2:-1]}
    assert len(made) == 1


@pytest.mark.both_databases
def test_a_failed_shard_is_tried_again_alone(toys: Toys, tmp_path: Path) -> None:
    failing = tmp_path / "fail-2"
    failing.touch()
    run_id = launch(toys, shards=3, told=str(tmp_path))
    toys.deliver()
    before = {step.name: step for step in toys.detail(run_id).steps}
    assert {name: step.state for name, step in before.items()} == {
        "prepare[1]": "succeeded",
        "prepare[2]": "failed",
        "prepare[3]": "succeeded",
        "prepare": "skipped",
        "after": "skipped",
    }
    detail = toys.detail(run_id)
    assert detail.run.message == "prepare[2] failed: Share 2 of 3 is not good. Mend it."
    failing.unlink()
    retry(toys, run_id)
    assert [step_id for step_id, _ in toys.inbox.sent] == [before["prepare[2]"].id]
    toys.deliver()
    after = toys.detail(run_id)
    assert after.run.status == "succeeded"
    assert toys.text(run_id, "prepare", "merged.txt") == LETTERS.decode()
    assert {step.name: step.attempt for step in after.steps} == {
        "prepare[1]": 1,
        "prepare[2]": 2,
        "prepare[3]": 1,
        "prepare": 1,
        "after": 1,
    }
    for name in ("prepare[1]", "prepare[3]"):
        step = after.step(name)
        assert step
        assert (step.artifact, step.fence) == (before[name].artifact, 1)
        assert (step.started_at, step.finished_at) == (before[name].started_at, before[name].finished_at)


def test_a_new_run_takes_from_the_cache_the_shards_that_had_succeeded(toys: Toys, tmp_path: Path) -> None:
    (tmp_path / "fail-2").touch()
    launch(toys, shards=3, told=str(tmp_path))
    toys.deliver()
    (tmp_path / "fail-2").unlink()
    run_id = launch(toys, shards=3, told=str(tmp_path))
    toys.deliver()
    assert [step.cached for step in shards(toys, run_id)] == [True, False, True]
    assert toys.detail(run_id).run.status == "succeeded"


def test_another_number_of_shards_is_other_work_and_says_so(toys: Toys) -> None:
    launch(toys, shards=3)
    toys.deliver()
    run_id = launch(toys, shards=4)
    toys.deliver()
    assert [step.cached for step in shards(toys, run_id)] == [False] * 4
    assert shards(toys, run_id)[0].cache_reason == "not cached: shards 3 → 4"


def test_a_run_cancelled_while_a_shard_runs_stops_it_and_leaves_the_others(toys: Toys) -> None:
    run_id = launch(toys, shards=4, ticks=1000, seconds=0.1)
    running, done = toys.inbox.sent[0][0], toys.inbox.sent[1][0]
    thread = threading.Thread(target=toys.worker.execute, args=(running,))
    thread.start()
    try:
        wait_until(lambda: shards(toys, run_id)[0].progress, "the shard made progress")
    finally:
        with toys.services.works.writing() as work:
            service.cancel(work, toys.services, run_id, "usr_1")
        thread.join()
    toys.deliver()
    detail = toys.detail(run_id)
    assert detail.run.status == "cancelled"
    assert {step.state for step in detail.steps} == {"cancelled"}
    assert [step.attempt for step in detail.steps] == [1, 0, 0, 0, 0, 0]
    assert [len(detail.attempts[each]) for each in (running, done)] == [1, 0]


@pytest.fixture
def real(services: Services) -> Toys:
    """The product's own pipelines instead of the toys."""
    inbox = Inbox()
    connected = toy_services(services, inbox)
    return Toys(replace(connected, launcher=RunLauncher(PIPELINES, inbox)), inbox)


@pytest.fixture
def dataset(real: Toys, sample: Path, tmp_path: Path) -> str:
    """The first 600 real reviews, imported; the sha256 of the tree."""
    lines = sample.read_bytes().split(b"\n")
    end = next(number for number, line in enumerate(lines) if line.startswith(b"600,"))
    file, directory = tmp_path / "reviews.csv", tmp_path / "imported"
    file.write_bytes(b"\n".join(lines[:end]) + b"\n")
    directory.mkdir()
    import_upload(Upload(file, file.name, {}), directory, lambda *_: None)
    return real.services.storage.put_tree({path.name: path for path in directory.iterdir()}).sha256


def test_features_prepared_in_shards_are_the_same_artifact(
    real: Toys, dataset: str, small_encoder: Path
) -> None:
    """Prepared from real reviews by the real programs: so training comes from the cache after either."""
    parts = {"train": 0.6, "validation": 0.2, "test": 0.2}
    shares = {f"{part}_split_percentage": share for part, share in parts.items()}
    made = []
    for shards in (1, 2):
        parameters = {**shares, "encoder": str(small_encoder), "max_seq_length": 32, "shards": shards}
        inputs = {"dataset": dataset}
        run_id = real.start(LaunchRequest("review-classifier", "usr_1", inputs, parameters, "standard")).id
        real.deliver(1 if shards == 1 else shards + 1)
        prepared = real.detail(run_id).step("prepare")
        assert prepared
        assert prepared.state == "succeeded", prepared.last_error
        real.inbox.sent.clear()  # nobody trains here
        made.append(prepared.artifact)
    assert made[0] == made[1]
