"""A connection that breaks: a proxy before a server, which lets a number of bytes through and hangs up."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

CHUNK = 16 * 1024


@dataclass
class Proxy:
    """Answers longer than ``after`` bytes are cut there, ``times`` times; then it lets everything through."""

    server: tuple[str, int]
    listener: socket.socket
    after: int = 0
    times: int = 0
    cut: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def endpoint(self) -> str:
        return "http://{}:{}".format(*self.listener.getsockname())

    def serve(self) -> None:
        while True:
            try:
                caller, _ = self.listener.accept()
            except OSError:
                return  # closed: the test is over
            server = socket.create_connection(self.server)
            threading.Thread(target=_pump, args=(caller, server), daemon=True).start()
            threading.Thread(target=self._answer, args=(server, caller), daemon=True).start()

    def _answer(self, server: socket.socket, caller: socket.socket) -> None:
        passed = 0
        with suppress(OSError):
            while content := server.recv(CHUNK):
                if passed + len(content) > self.after and self._cuts():
                    break
                caller.sendall(content)
                passed += len(content)
        _hang_up(caller, server)

    def _cuts(self) -> bool:
        with self._lock:
            if self.cut >= self.times:
                return False
            self.cut += 1
            return True


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while content := source.recv(CHUNK):
            target.sendall(content)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _hang_up(*sockets: socket.socket) -> None:
    for each in sockets:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()


@contextmanager
def proxying(endpoint: str) -> Iterator[Proxy]:
    address = urlsplit(endpoint)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = Proxy((address.hostname or "", address.port or 0), listener)
        thread = threading.Thread(target=proxy.serve)
        thread.start()
        try:
            yield proxy
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for a caller
            thread.join()
