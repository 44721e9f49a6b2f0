"""The application behind a real server on a port of its own, and many clients that press at once."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import uvicorn
from fastapi import FastAPI

from tests.programs.fleet import wait_until

Answer = TypeVar("Answer")


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """Its address. The server runs in a thread of this process and ends with the block."""
    config = uvicorn.Config(app, port=0, log_config=None, ws="none", timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="server")
    thread.start()
    try:
        wait_until(lambda: server.started or not thread.is_alive(), "the server answered")
        (socket,) = server.servers[0].sockets
        yield f"http://127.0.0.1:{socket.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def all_at_once(act: Callable[[int], Answer], count: int) -> list[Answer]:
    """``act(0)`` … ``act(count - 1)``, each in a thread, none before all of them stand ready."""
    ready = threading.Barrier(count)

    def pressed(number: int) -> Answer:
        ready.wait()
        return act(number)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(pressed, range(count)))
