"""Celery's thread pool, which tells its loop when a thread has become free.

The loop takes no message while all threads are busy, and looks whether one is free when something wakes it
or after a second: a free slot stood idle for longer than a short step takes.
"""

import os
from contextlib import suppress
from typing import Any

from celery.concurrency.thread import ApplyResult, TaskPool


class WakingPool(TaskPool):  # type: ignore[misc]
    """Both public methods are Celery's; the second is called again after each reconnection."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._listening, self._telling = os.pipe()
        for end in (self._listening, self._telling):
            os.set_blocking(end, False)

    def on_apply(self, *arguments: Any, **options: Any) -> ApplyResult:
        result = super().on_apply(*arguments, **options)
        result.f.add_done_callback(lambda _: self._wake())
        return result

    def register_with_event_loop(self, hub: Any) -> None:
        hub.add_reader(self._listening, self._woken)

    def _wake(self) -> None:
        with suppress(BlockingIOError):  # the pipe is full of such news
            os.write(self._telling, b".")

    def _woken(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._listening, 4096)
