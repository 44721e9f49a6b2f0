"""The heartbeat of an attempt when its own machine, not the lease, is what failed."""

import threading
import time

import pytest

from app.core import database
from app.runs import leases
from app.runs.leases import Ending
from app.runs.states import AttemptStatus, StepState
from ml.contract.faults import armed
from tests.programs.installation import Toys
from workers.heart import Heart


def test_a_beat_that_took_too_long_is_asked_again_before_the_work_is_given_up(toys: Toys) -> None:
    step = toys.detail(toys.launch()).steps[0]
    works = toys.services.works
    with works.writing() as work:
        lease = leases.claim(work, step, "slow disk", seconds=1)
    assert lease is not None
    begun = threading.Event()

    def choke() -> None:
        with works.writing() as work:
            work.session.connection()
            begun.set()
            time.sleep(1.5)

    choking = threading.Thread(target=choke)
    choking.start()
    begun.wait()
    with Heart(works, lease) as heart:
        choking.join()
        time.sleep(0.5)
        assert not heart.lost.is_set()


def test_a_heart_that_stopped_for_a_reason_that_nobody_foresaw_gives_the_work_up(toys: Toys) -> None:
    """It once died in silence, and the work went on for a step that was somebody else's by then."""
    step = toys.detail(toys.launch()).steps[0]
    works = toys.services.works
    with works.writing() as work:
        lease = leases.claim(work, step, "here", seconds=1)
    assert lease is not None
    with armed("commit.before:raise"), Heart(works, lease) as heart:
        assert heart.lost.wait(60)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True, ids=["sqlite"])
def test_a_database_that_has_no_turn_for_the_worker_costs_nothing_but_time(
    toys: Toys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer kept everybody out for longer than anybody waits: the gate's refusal was taken for a
    refusal of the step, and a training that was done was failed."""
    step = toys.detail(toys.launch()).steps[0]
    with toys.services.works.writing() as work:
        lease = leases.claim(work, step, "here", seconds=60)
    assert lease is not None
    done = Ending(StepState.FAILED, AttemptStatus.FAILED, "as it ended")
    finishing = threading.Thread(target=toys.worker._finish, args=(lease, done))
    with toys.services.works.writing() as work:
        work.session.connection()  # the gate is closed behind us
        monkeypatch.setattr(database, "WAIT_SECONDS", 0.1)
        finishing.start()
        time.sleep(1)
        assert finishing.is_alive()
    finishing.join()
    assert toys.detail(step.run_id).steps[0].last_error == "as it ended"
