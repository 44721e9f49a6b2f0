"""``python -m simulator.reaper HOME`` kills what runs in containers below HOME once its standard input ends.

The simulator holds the other end, so containers end with it however it ends, ``kill -9`` included. A
container is known by SIMULATED_ROOT in its environment, which a process hands on to all that it starts.
"""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT_VARIABLE = "SIMULATED_ROOT"


def processes_in(place: Path) -> Iterator[int]:
    """Of this container, or of all containers below this directory."""
    exactly = f"{ROOT_VARIABLE}={place}".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "environ").read_bytes().split(b"\0")
        except OSError:  # it has ended, or it is another user's
            continue
        if any(word == exactly or word.startswith(exactly + b"/") for word in words):
            yield int(entry.name)


def kill_all(place: Path) -> None:
    """Twice, for what was being started during the first round."""
    for _ in range(2):
        for pid in processes_in(place):
            if pid == os.getpid():
                continue
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


def main(home: Path) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while os.read(0, 4096):
        pass
    kill_all(home)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
