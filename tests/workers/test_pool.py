"""The thread pool of Celery's workers."""

from collections.abc import Iterator

import pytest
from kombu.asynchronous import Hub

from workers.pool import WakingPool


@pytest.fixture
def pool() -> Iterator[WakingPool]:
    pool = WakingPool(1)
    yield pool
    pool.on_stop()


@pytest.mark.parametrize("connections", [1, 3])
def test_a_thread_that_has_become_free_wakes_the_loop_of_any_connection(
    pool: WakingPool, connections: int
) -> None:
    done: list[int] = []
    for _ in range(connections):
        hub = Hub()
        pool.register_with_event_loop(hub)
    for number in range(3):
        pool.on_apply(done.append, (number,))
        (event,) = hub.poller.poll(60)  # nothing else could wake it, and nothing that is silent is returned
        callback, arguments = hub.readers[event[0]]
        callback(*arguments)
        assert hub.poller.poll(0) in (None, [])
    assert done == [0, 1, 2]
