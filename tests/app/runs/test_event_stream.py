"""The stream while it is open: what happens during it arrives, and it ends with the run or the permission."""

import asyncio
import threading

import pytest

from app.runs import listening, service, stream
from tests.programs.installation import Toys


async def collect(
    toys: Toys, run_id: str, begin: threading.Thread | None, permitted: bool = True
) -> list[str]:
    messages = []
    async for message in stream.events(
        toys.services, run_id, 0, listening.Listener(lambda: permitted, toys.services.watcher)
    ):
        messages.append(message)
        if begin and not begin.is_alive() and not begin.ident:
            begin.start()
    await toys.services.watcher.close()
    return messages


def test_what_happens_while_it_is_open_arrives_and_it_ends_with_the_run(toys: Toys) -> None:
    run_id = toys.launch(parameters={"ticks": 3})
    messages = asyncio.run(collect(toys, run_id, threading.Thread(target=toys.deliver)))
    ids = [int(message.split("\n")[0].removeprefix("id: ")) for message in messages]
    assert ids == sorted(set(ids))
    assert '"status": "queued"' in messages[0]
    assert '"status": "succeeded"' in messages[-1]
    assert sum("event: attempt" in message for message in messages) == 8


def test_a_cancellation_closes_it(toys: Toys) -> None:
    run_id = toys.launch()

    def cancel() -> None:
        with toys.services.works.writing() as work:
            service.cancel(work, toys.services, run_id, "usr_1")

    messages = asyncio.run(collect(toys, run_id, threading.Thread(target=cancel)))
    assert '"status": "cancelled"' in messages[-1]


def test_a_permission_that_is_gone_closes_it_although_the_run_goes_on(
    toys: Toys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "RECHECK_SECONDS", 0.0)
    monkeypatch.setattr(listening, "SILENCE_SECONDS", 0.05)
    run_id = toys.launch()
    messages = asyncio.run(collect(toys, run_id, None, permitted=False))
    assert '"status": "queued"' in messages[0]
