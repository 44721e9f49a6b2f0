from pathlib import Path

from app.runs.tables import Step
from tests.programs.installation import Toys
from tests.programs.pipelines import BAD


def prepare(toys: Toys, **request: object) -> Step:
    run_id = toys.launch(**request)
    toys.deliver()
    return toys.detail(run_id).steps[0]


def test_the_first_run_says_so_and_the_second_is_taken_from_it(toys: Toys) -> None:
    first = prepare(toys)
    assert (first.cached, first.cache_reason) == (False, "not cached: the first run of this step")
    again = prepare(toys)
    assert (again.cached, again.attempt, again.state) == (True, 0, "succeeded")
    assert again.cache_reason == "same program, arguments and inputs as in run #1"
    assert again.artifact == first.artifact
    assert again.cached_from == first.id
    assert again.program_version == first.program_version


def test_a_hit_of_a_hit_still_names_the_step_that_made_the_artifact(toys: Toys) -> None:
    first = prepare(toys)
    prepare(toys)
    assert prepare(toys).cached_from == first.id


def test_a_changed_argument_is_named_with_both_values(toys: Toys) -> None:
    prepare(toys)
    other = prepare(toys, parameters={"seconds": 0.01, "ticks": 2})
    assert other.cached is False
    assert other.cache_reason == "not cached: seconds 0 → 0.01, ticks 1 → 2"


def test_the_comparison_is_with_the_run_that_differs_least(toys: Toys) -> None:
    prepare(toys, parameters={"ticks": 2})
    prepare(toys, parameters={"ticks": 5, "seconds": 0.01})
    nearest = prepare(toys, parameters={"ticks": 3})
    assert nearest.cache_reason == "not cached: ticks 2 → 3"


def test_other_content_is_another_input(toys: Toys) -> None:
    prepare(toys)
    other = prepare(toys, content=b"other reviews")
    assert other.cached is False
    assert other.cache_reason.startswith("not cached: input dataset ")


def test_only_the_steps_that_changed_run_again(toys: Toys) -> None:
    toys.launch()
    toys.deliver()
    run_id = toys.launch(parameters={"measured": BAD})
    toys.deliver()
    assert {step.name: step.cached for step in toys.detail(run_id).steps[:2]} == {
        "prepare": True,
        "evaluate": False,
    }


def test_a_step_that_is_never_cached_says_so(toys: Toys) -> None:
    run_id = toys.launch("fan")
    toys.deliver()
    assert {step.cache_reason for step in toys.detail(run_id).steps} == {"not cached: this step always runs"}


def test_what_failed_is_never_taken(toys: Toys) -> None:
    assert prepare(toys, parameters={"behaviour": "refuse"}).state == "failed"
    again = prepare(toys, parameters={"behaviour": "refuse"})
    assert (again.state, again.cached) == ("failed", False)


def test_a_damaged_artifact_is_made_again_and_healed(toys: Toys) -> None:
    first = prepare(toys)
    storage = toys.services.storage
    assert first.artifact is not None
    file = storage.tree(first.artifact).find("model/weights.txt")
    path: Path = storage.local_path(file.sha256)
    path.chmod(0o644)
    path.write_bytes(b"v" + path.read_bytes()[1:])
    again = prepare(toys)
    assert (again.state, again.cached) == ("succeeded", False)
    assert again.cache_reason == "not cached: the stored artifact is missing or damaged"
    storage.verify(file.sha256)
    assert prepare(toys).cached is True


def test_an_input_that_is_gone_fails_the_step_with_advice(toys: Toys) -> None:
    run_id = toys.launch()
    storage = toys.services.storage
    storage.local_path(toys.detail(run_id).run.inputs["dataset"]).unlink()
    toys.deliver()
    step = toys.detail(run_id).steps[0]
    assert step.state == "failed"
    assert "not in the storage" in step.last_error
    assert step.advice
