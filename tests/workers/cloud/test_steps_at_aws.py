"""A step whose program runs at AWS ends as the same step here: the same files, log, figures and cache key."""

import pytest

from tests.programs.aws_toys import AwsToys

# What a host puts into a program's environment is its own business; the toy writes it down.
OF_THE_HOST = {"environment.txt"}


def files(toys: AwsToys, run_id: str, step: str) -> dict[str, str]:
    artifact = toys.step(run_id, step).artifact
    assert artifact is not None
    tree = toys.services.storage.tree(artifact)
    return {file.path: file.sha256 for file in tree.files if file.path not in OF_THE_HOST}


@pytest.mark.parametrize("pipeline", ["toys", "trained"])
def test_a_run_at_aws_leaves_the_very_artifacts_of_a_local_one(toys: AwsToys, pipeline: str) -> None:
    local = toys.launch("toys", parameters={"ticks": 3})
    toys.deliver()
    away = toys.away(pipeline, parameters={"ticks": 3, "seconds": 0.01})
    assert toys.end(away) == "succeeded"
    assert files(toys, away, "prepare") == files(toys, local, "prepare")
    assert toys.step(away, "evaluate").cached  # for the model that it reads is the same
    job = toys.job(away)
    assert (job.status, job.poll_owner, job.problem) == ("Completed", None, "")
    assert job.ended_at is not None
    assert job.billable_seconds is not None
    assert toys.log(away) == toys.log(local)
    assert figures(toys, away) == figures(toys, local)
    assert toys.detail(away).run.message == toys.detail(local).run.message
    assert toys.states(away) == toys.states(local)


def figures(toys: AwsToys, run_id: str) -> list[tuple[str, int, float]]:
    return [(point.name, point.step, point.value) for point in toys.points(run_id)]


def test_what_was_made_at_aws_is_taken_from_the_cache_here_and_the_other_way_round(toys: AwsToys) -> None:
    away = toys.away()
    assert toys.end(away) == "succeeded"
    here = toys.launch()
    toys.deliver()
    mark = toys.simulator.mark()
    again = toys.away()
    assert toys.end(again) == "succeeded"
    for run in (here, again):
        assert [toys.step(run, name).cached for name in ("prepare", "evaluate")] == [True, True]
        assert toys.step(run).cached_from == toys.step(away).id
    assert toys.created(mark) == []


@pytest.mark.both_databases
def test_a_run_may_have_some_of_its_steps_at_aws(toys: AwsToys) -> None:
    run_id = toys.launch("trained", computes={"prepare": "sagemaker"}, instance_types={})
    assert toys.end(run_id) == "succeeded"
    assert [toys.step(run_id, name).kind for name in ("prepare", "evaluate")] == ["sagemaker", "program"]
    assert toys.job(run_id).kind == "training"
    assert toys.jobs(run_id, "evaluate") == []


def test_a_remote_step_holds_no_slot_and_no_lease(toys: AwsToys) -> None:
    run_id = toys.away(parameters={"ticks": 1000, "seconds": 0.05})
    job = toys.running(run_id)
    step = toys.step(run_id)
    assert (step.state, step.lease_owner, step.lease_until) == ("remote", None, None)
    assert step.progress is not None
    assert step.progress["phase"] == "ticking"
    assert (job.status, job.stop_requested_at) == ("InProgress", None)
    assert toys.detail(run_id).run.status == "running"
    toys.stop(run_id)
    assert toys.end(run_id) == "cancelled"
    assert toys.job(run_id).status == "Stopped"


def test_its_cost_is_the_seconds_that_aws_bills_by_the_price_of_the_day(toys: AwsToys) -> None:
    run_id = toys.away("trained", instance_types={"prepare": "ml.m5.xlarge"})
    assert toys.end(run_id) == "succeeded"
    job = toys.job(run_id)
    assert job.price_per_hour is not None
    assert job.billable_seconds is not None
    assert job.dollars == pytest.approx(job.price_per_hour * job.billable_seconds / 3600)
    job.price_per_hour = None
    assert job.dollars is None
