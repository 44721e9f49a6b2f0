"""Stands between a worker and a step's program, so that no end of the worker leaves the program running.

``python -I -S warden.py PARENT_PID argv…`` with nothing but the standard library, because it starts before
every step. The kernel tells it by SIGUSR1 when the thread that forked it dies, however it dies; then the
whole group of the program is killed. SIGTERM is passed on. It exits as the program did (128 + n for a
signal n), and with 75 when its parent was gone before it could look. With ``--equal`` before the parent's
id the program keeps its priority: so the parts of the product itself are started, which are no steps.
"""

import ctypes
import os
import signal
import sys
from contextlib import suppress

PR_SET_PDEATHSIG = 1
EXIT_ORPHAN = 75  # EX_TEMPFAIL: nothing was started
EXIT_NOT_STARTED = 127
OOM_SCORE = "800"  # the kernel, out of memory, takes the step and spares the worker
NICE = 5
WATCHED = {signal.SIGUSR1, signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}


def main(parent: int, argv: list[str], equal: bool = False) -> int:
    os.setsid()
    # Blocked first: a signal that comes before sigwait waits for it.
    signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGUSR1, 0, 0, 0)
    if os.getppid() != parent:
        return EXIT_ORPHAN
    child = os.fork()
    if child == 0:
        if not equal:
            _yield_to_the_host()
        _become(argv)
    # In both processes, whoever comes first: a kill of the group must not miss the child.
    with suppress(ProcessLookupError, PermissionError):
        os.setpgid(child, child)
    return _supervise(child)


def _yield_to_the_host() -> None:
    os.nice(NICE)
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write(OOM_SCORE)


def _become(argv: list[str]) -> None:
    os.setpgid(0, 0)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, WATCHED)
    try:
        os.execv(argv[0], argv)  # noqa: S606 - a shell is what we avoid
    except OSError as error:
        os.write(2, f"{argv[0]}: {error.strerror}\n".encode())
        os._exit(EXIT_NOT_STARTED)


def _supervise(child: int) -> int:
    while True:
        received = signal.sigwait(WATCHED)
        if received == signal.SIGUSR1:
            _kill_group(child)
        elif received in (signal.SIGTERM, signal.SIGINT):
            with suppress(ProcessLookupError):
                os.killpg(child, signal.SIGTERM)
        elif (code := _ended(child)) is not None:
            _kill_group(child)  # what the program started and left behind
            return code


def _ended(child: int) -> int | None:
    """The program's exit code; None while it runs. Other children are reaped in passing."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return None
        if pid == 0:
            return None
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def _kill_group(child: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)


if __name__ == "__main__":
    words = [word for word in sys.argv[1:2] if word != "--equal"] + sys.argv[2:]
    sys.exit(main(int(words[0]), words[1:], equal=sys.argv[1] == "--equal"))
