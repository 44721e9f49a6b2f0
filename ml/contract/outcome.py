"""How a step program ends: exit codes, and the failure file a person will read."""

import errno
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

EXIT_OK = 0
EXIT_FAILED = 1  # unexpected: another attempt may succeed
EXIT_REFUSED = 65  # the input or a parameter is wrong: another attempt would end the same
EXIT_STOPPED = 143  # SIGTERM was honoured, a checkpoint may stand

FAILURE_LIMIT = 1024  # what SageMaker shows of a failure file


class StepRefused(Exception):
    """The step can't do this with what it was given. ``advice`` tells the reader what to do."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice


class Stopped(Exception):
    """SIGTERM arrived and the program has put down what it wants to keep."""


def run_program(main: Callable[[], None]) -> int:
    """Run a step's ``main``, turn its exceptions into the contract's failure file and exit code."""
    try:
        main()
    except StepRefused as refusal:
        return _fail(EXIT_REFUSED, f"{refusal.message}\n{refusal.advice}".strip())
    except Stopped:
        return EXIT_STOPPED
    except MemoryError as error:
        traceback.print_exc()
        return _fail(EXIT_FAILED, f"Out of memory: {error}\nUse a smaller batch or a larger machine.")
    except Exception as error:  # noqa: BLE001 - the boundary between the program and its host
        if _no_room(error):
            return _fail(EXIT_FAILED, "The disk is full.\nFree some space, then retry from this step.")
        return _crash(error)
    return EXIT_OK


def _no_room(error: Exception) -> bool:
    """Libraries that write files by themselves put the system's words into errors of their own kind."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return True
    return os.strerror(errno.ENOSPC) in str(error)


def _crash(error: Exception) -> int:
    traceback.print_exc()
    return _fail(EXIT_FAILED, f"{type(error).__name__}: {error}\nThe log has the whole trace.")


def _fail(code: int, text: str) -> int:
    # Any channel of the host may be broken by now, so the text also goes to the log.
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - a step's log is its stdout and stderr
    directory = os.environ.get("SM_OUTPUT_DIR")
    if directory:
        Path(directory, "failure").write_text(text[:FAILURE_LIMIT], encoding="utf-8")
    return code
