"""Named places at which the product can be made to fail: the habit of testing every way to die.

``faultpoint("storage.rename")`` stands before each commit, rename, fsync and publish. Unarmed it is one
comparison with None. ``FITTINGROOM_FAULT`` arms a process for its life:

- ``storage.rename:kill`` dies at that point as a power cut would, ``:raise`` fails in a way that nobody
  foresaw, ``:enospc`` as a full disk does;
- ``storage.rename:kill:3`` does so at the third time it comes by, and only then;
- ``*:kill:40`` counts every point, whatever its name;
- ``record:/path`` fails nothing and appends each name that is reached to the file, in the order of reaching.
"""

import errno
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

VARIABLE = "FITTINGROOM_FAULT"
ANY = "*"
RECORD = "record"
KINDS = ("raise", "kill", "enospc")


class InjectedFault(Exception):
    """Nobody catches this by name: it stands for whatever was not foreseen."""


def _disk_full() -> Exception:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


Full = Callable[[], Exception]
Plan = Callable[[str, Full], None]


def faultpoint(name: str, full: Full = _disk_full) -> None:
    """``full`` makes what a full disk raises here, where that is not the operating system's own error."""
    if _plan is not None:
        _plan(name, full)


@contextmanager
def armed(text: str) -> Iterator[None]:
    """For tests within one process. Not to be nested."""
    global _plan
    _plan = plan_of(text)
    try:
        yield
    finally:
        _plan = None


def plan_of(text: str) -> Plan | None:
    """Raises ValueError: an installation that was to be tested must not run on as if nothing were."""
    if not text:
        return None
    name, _, rest = text.partition(":")
    if name == RECORD:
        return _recorder(rest)
    kind, _, nth = rest.partition(":")
    if kind not in KINDS or not (nth or "1").isdecimal():
        raise ValueError(f"{VARIABLE}={text!r}: name:{'|'.join(KINDS)}[:nth], or record:/path")
    return _failing(name, kind, int(nth or "1"))


def _recorder(path: str) -> Plan:
    def record(name: str, _full: Full) -> None:
        # One write to a file opened for appending: processes and threads do not tear each other's lines.
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, f"{name}\n".encode())
        finally:
            os.close(descriptor)

    return record


def _failing(wanted: str, kind: str, nth: int) -> Plan:
    times = count(1)  # next() on it is whole, also where two threads come by at once

    def fail(name: str, full: Full) -> None:
        if wanted not in (ANY, name) or next(times) != nth:
            return
        if kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        raise full() if kind == "enospc" else InjectedFault(f"injected at {name}")

    return fail


# Read once, when the process is born: a point must not look into the environment each time it is passed.
_plan: Plan | None = plan_of(os.environ.get(VARIABLE, ""))
