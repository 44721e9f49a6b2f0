"""The outbox's relay is killed around a delivery: what it delivers twice has no effect twice."""

import json
import signal
from collections.abc import Iterator

import pytest
from sqlalchemy import func, select

from app.accounts import audit
from app.core import outbox
from app.core.outbox import Message
from app.core.services import Services
from app.handlers import outbox_senders
from app.runs.subject import TELEMETRY
from app.runs.tables import LogChunk
from tests.reliability.nursery import Nursery, open_nursery
from tests.reliability.scenario_relay import ADDRESS

RELAY = "tests.reliability.scenario_relay"


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with open_nursery([RELAY]) as nursery:
        yield nursery


def relay(nursery: Nursery, services: Services, fault: str) -> int:
    """A process of its own that delivers what waits."""
    settings = services.settings
    (settings.home / ADDRESS).write_text(settings.database_url or "")
    return nursery.raise_child(RELAY, "act", settings.home, fault).code


def waiting(services: Services) -> list[str]:
    with services.works.reading() as work:
        return list(work.session.scalars(select(Message.kind).order_by(Message.id)))


def anchored(services: Services) -> list[int]:
    file = audit.anchor_file(services.settings.home)
    return [json.loads(line)["seq"] for line in file.read_text().splitlines()] if file.exists() else []


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
@pytest.mark.parametrize("point", ["outbox.send", "outbox.sent", "commit.before", "commit.after"])
def test_c17_a_relay_killed_around_a_delivery_loses_nothing_and_repeats_without_effect(
    nursery: Nursery, services: Services, point: str
) -> None:
    with services.works.writing() as work:
        for number in range(3):
            audit.record(work.session, "usr_1", "test.done", f"thing_{number}")
    assert relay(nursery, services, f"{point}:kill") == -signal.SIGKILL
    delivered, kept = anchored(services), waiting(services)
    # Never forgotten before it has arrived.
    assert len(kept) == 3 - (point == "commit.after")
    assert delivered == ([] if point == "outbox.send" else [1])
    assert relay(nursery, services, "") == 0
    assert waiting(services) == []
    assert sorted({*anchored(services)}) == [1, 2, 3]
    with services.works.reading() as work:
        assert audit.verify(work.session, audit.anchor_file(services.settings.home)) is None


def test_c17_every_sender_bears_the_same_message_twice(services: Services) -> None:
    payloads = {audit.ANCHOR: {"seq": 1, "hash": "0" * 64}, TELEMETRY: {"run_id": "run_1"}}
    place = {"run_id": "run_1", "step_id": "step_1", "attempt": 1}
    with services.works.telemetry_writing() as work:
        work.session.add(LogChunk(**place, line=1, text="a line"))
    senders = outbox_senders(services)
    assert senders.keys() == payloads.keys(), "show here that the new kind bears it too"
    for _ in range(2):
        with services.works.writing() as work:
            for kind, payload in payloads.items():
                outbox.enqueue(work.session, kind, payload)
        assert outbox.deliver(services.works, senders) == len(payloads)
    assert {*anchored(services)} == {1}
    with services.works.telemetry_reading() as work:
        assert work.session.scalar(select(func.count()).select_from(LogChunk)) == 0
