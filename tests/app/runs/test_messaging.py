"""Sending to a broker that is not there."""

import pytest
from kombu.exceptions import OperationalError

from app.runs.messaging import PAUSE_SECONDS, BrokerAway, CeleryMessenger
from tests.programs.redis_server import free_port, serving_redis


def test_a_broker_that_did_not_answer_is_left_alone_for_a_while() -> None:
    clock = [100.0]
    messenger = CeleryMessenger(f"redis://127.0.0.1:{free_port()}/0", lambda: clock[0])
    with pytest.raises(OperationalError, match="refused"):
        messenger.send_step("step_1", "io")
    with pytest.raises(BrokerAway):
        messenger.send_step("step_1", "io")
    clock[0] += PAUSE_SECONDS
    with pytest.raises(OperationalError, match="refused"):
        messenger.send_step("step_1", "io")


def test_a_broker_that_is_back_is_spoken_to_again() -> None:
    clock = [100.0]
    with serving_redis() as server:
        messenger = CeleryMessenger(server.url, lambda: clock[0])
        server.kill()
        with pytest.raises(OperationalError):
            messenger.send_step("step_1", "io")
        server.start()
        clock[0] += PAUSE_SECONDS
        messenger.send_step("step_1", "io")
        assert server.waiting("io") == 1
