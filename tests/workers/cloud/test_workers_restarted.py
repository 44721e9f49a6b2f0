"""Real workers come and go; what runs at AWS goes on, and whoever is there brings it back."""

import signal

from tests.programs.aws_toys import set_up
from tests.programs.cloud import Simulator
from tests.programs.fleet import Fleet, wait_until


def test_remote_steps_survive_a_restart_of_all_workers(simulator: Simulator, fleet: Fleet) -> None:
    toys = fleet.toys
    set_up(toys.services, simulator)
    first = fleet.start()
    run_id = toys.launch("trained", compute="sagemaker", parameters={"ticks": 40, "seconds": 0.1})
    wait_until(lambda: toys.states(run_id)["prepare"] == "remote", "a job had the step")
    first.send_signal(signal.SIGTERM)
    assert first.wait(60) is not None
    assert toys.states(run_id)["prepare"] == "remote"
    fleet.start()
    wait_until(lambda: toys.detail(run_id).run.status == "succeeded", "the run succeeded")
    detail = toys.detail(run_id)
    for name in ("prepare", "evaluate"):
        step = detail.step(name)
        assert step is not None
        (attempt,) = detail.attempts[step.id]
        assert (step.kind, attempt.status, step.released) == ("sagemaker", "succeeded", 0)
