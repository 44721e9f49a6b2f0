"""Runs whose artifacts are on S3: as in a directory, on several machines, and while the storage is away."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update

from app.core.settings import Settings
from app.core.storage import Storage, StorageAway, hash_file
from app.runs.tables import Step
from tests.programs.cutting import Proxy, proxying
from tests.programs.installation import Toys
from tests.programs.s3 import S3Server
from tests.programs.twins import s3_storage
from workers import storing
from workers.storing import store


@pytest.fixture
def place(s3: S3Server) -> str:
    return s3.create()


@pytest.fixture
def settings(settings: Settings, s3: S3Server, place: str) -> Settings:
    return settings.model_copy(update={"storage": place, "s3_endpoint": s3.endpoint})


@pytest.fixture
def proxy(s3: S3Server) -> Iterator[Proxy]:
    with proxying(s3.endpoint) as proxy:
        yield proxy


@pytest.fixture
def machine(toys: Toys, tmp_path: Path, place: str) -> Callable[[str, str], Toys]:
    """``machine("bert", endpoint)``: a second one of the same installation, with a home of its own."""

    def made(name: str, endpoint: str) -> Toys:
        home = tmp_path / name
        home.mkdir(exist_ok=True)
        services = replace(
            toys.services,
            settings=toys.services.settings.model_copy(update={"home": home}),
            storage=s3_storage(place, home / "cache", endpoint),
        )
        return Toys(services, toys.inbox)

    return made


def cut_all(proxy: Proxy) -> None:
    proxy.after, proxy.times = 0, 1_000_000


def due(toys: Toys) -> None:
    with toys.services.works.writing() as work:
        work.session.execute(update(Step).values(not_before=None))


def test_a_run_walks_from_its_input_to_its_result_on_s3(
    toys: Toys, settings: Settings, s3: S3Server, place: str
) -> None:
    run_id = toys.launch()
    toys.deliver()
    detail = toys.detail(run_id)
    assert detail.run.status == "succeeded", detail.run.message
    assert toys.text(run_id, "prepare", "seen.txt") == "[('dataset/reviews.txt', 'reviews')]"
    artifact = detail.steps[0].artifact
    assert artifact is not None
    for file in toys.services.storage.tree(artifact).files:
        assert s3.content(place, file.sha256) == toys.services.storage.read_bytes(file.sha256)
    assert not (settings.home / "storage").exists()


def test_programs_are_given_no_credentials(toys: Toys) -> None:
    run_id = toys.launch()
    toys.deliver()
    names = toys.text(run_id, "prepare", "environment.txt").split("\n")
    assert "SM_CHANNEL_DATASET" in names
    assert [name for name in names if name.startswith(("AWS_", "FITTINGROOM_"))] == []


def test_two_machines_do_the_steps_of_one_run(
    toys: Toys, machine: Callable[[str, str], Toys], s3: S3Server
) -> None:
    run_id = toys.launch()
    other = machine("bert", s3.endpoint)
    toys.deliver(1)
    other.deliver(1)
    toys.deliver()
    assert toys.detail(run_id).run.status == "succeeded"
    assert toys.text(run_id, "evaluate", "seen.txt") == "[('model/weights.txt', 'wwwwwwwwww')]"


def test_a_step_whose_inputs_cannot_be_read_is_not_claimed(
    toys: Toys, machine: Callable[[str, str], Toys], proxy: Proxy
) -> None:
    run_id = toys.launch()
    away = machine("bert", proxy.endpoint)
    cut_all(proxy)
    with pytest.raises(StorageAway):
        away.deliver(1)
    step = toys.detail(run_id).steps[0]
    assert (step.state, step.attempt) == ("ready", 0)


def test_a_step_whose_storage_goes_away_is_tried_again_and_says_so(
    toys: Toys, machine: Callable[[str, str], Toys], proxy: Proxy
) -> None:
    run_id = toys.launch()
    step_id = toys.detail(run_id).steps[0].id
    other = machine("bert", proxy.endpoint)
    other.services.storage.tree(toys.detail(run_id).run.inputs["dataset"])  # known, so the step is claimed
    cut_all(proxy)
    other.deliver(1)
    detail = toys.detail(run_id)
    (attempt,) = detail.attempts[step_id]
    assert detail.steps[0].state == "ready"
    assert (attempt.status, attempt.message) == ("failed", "S3 does not answer.")
    assert "FITTINGROOM_S3_ENDPOINT" in attempt.advice
    proxy.times = 0
    due(toys)
    assert other.worker.execute(step_id) in (True, False)
    assert toys.states(run_id)["prepare"] == "succeeded"


def test_an_earlier_artifact_that_cannot_be_read_now_is_waited_for(
    toys: Toys, machine: Callable[[str, str], Toys], proxy: Proxy
) -> None:
    """It may be whole, and then the step is not to be done a second time."""
    first = toys.launch()
    toys.deliver()
    again = toys.launch()
    other = machine("bert", proxy.endpoint)
    artifact = toys.detail(first).steps[0].artifact
    assert artifact is not None
    other.services.storage.tree(artifact)
    other.services.storage.tree(toys.detail(again).run.inputs["dataset"])
    cut_all(proxy)
    with pytest.raises(StorageAway):
        other.deliver(1)
    assert toys.states(again)["prepare"] == "ready"
    proxy.times = 0
    other.worker.execute(toys.detail(again).steps[0].id)
    assert toys.detail(again).steps[0].cached


@pytest.fixture
def produced(tmp_path: Path) -> dict[str, Path]:
    """What a program left."""
    paths = {f"model/part-{number}": tmp_path / f"part-{number}" for number in range(3)}
    for path in paths.values():
        path.write_text(path.name)
    return paths


def through(proxy: Proxy, place: str, tmp_path: Path) -> Storage:
    return s3_storage(place, tmp_path / "cache", proxy.endpoint)


def test_an_artifact_waits_for_a_storage_that_comes_back(
    proxy: Proxy,
    place: str,
    s3: S3Server,
    tmp_path: Path,
    produced: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(storing, "PAUSE_SECONDS", 0.01)
    hashes = {path: hash_file(file) for path, file in produced.items()}
    storage = through(proxy, place, tmp_path)
    proxy.times = 7  # more than the client itself tries: the first file fails, then it fails again
    tree = store(storage, produced, lambda: False)
    assert proxy.cut == 7
    assert {file.path: file.sha256 for file in tree.files} == hashes
    elsewhere = s3_storage(place, tmp_path / "elsewhere", s3.endpoint)
    elsewhere.materialize(elsewhere.tree(tree.sha256), tmp_path / "laid")
    assert (tmp_path / "laid" / "model" / "part-2").read_text() == "part-2"


def test_an_artifact_that_nobody_wants_any_more_does_not_wait(
    proxy: Proxy, place: str, tmp_path: Path, produced: dict[str, Path]
) -> None:
    cut_all(proxy)
    with pytest.raises(StorageAway):
        store(through(proxy, place, tmp_path), produced, lambda: True)
    assert all(path.exists() for path in produced.values())
