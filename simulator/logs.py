"""A container's lines in CloudWatch Logs, by the names that the service gives them."""

import contextlib
import queue
import threading
import time
from typing import Any

from simulator.core import State

LARGEST_BATCH = 500
TOGETHER_SECONDS = 0.05  # lines that come so close to each other are sent in one request


class LogStream:
    """``write`` returns at once; a thread of its own sends. ``close`` returns when all has arrived."""

    def __init__(self, state: State, group: str, stream: str) -> None:
        self._state = state
        self._names = {"logGroupName": group, "logStreamName": stream}
        self._lines: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._make(group)
        self._thread = threading.Thread(target=self._send, name=f"log-{stream}", daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        if line:  # CloudWatch takes no empty ones
            self._lines.put({"timestamp": int(time.time() * 1000), "message": line})

    def close(self) -> None:
        self._lines.put(None)
        self._thread.join()

    def _make(self, group: str) -> None:
        logs = self._state.logs
        with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_group(logGroupName=group)
        with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_stream(**self._names)

    def _send(self) -> None:
        more = True
        while more:
            batch, more = self._batch()
            if batch:
                self._state.logs.put_log_events(**self._names, logEvents=batch)

    def _batch(self) -> tuple[list[dict[str, Any]], bool]:
        batch: list[dict[str, Any]] = []
        while len(batch) < LARGEST_BATCH:
            try:
                event = self._lines.get(timeout=TOGETHER_SECONDS if batch else None)
            except queue.Empty:
                break
            if event is None:
                return batch, False
            batch.append(event)
        return batch, True
