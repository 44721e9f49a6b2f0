"""The heartbeat of an attempt when its own machine, not the lease, is what failed."""

import threading
import time

from app.runs import leases
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
