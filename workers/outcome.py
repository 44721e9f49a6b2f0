"""From how a program ended to what becomes of its step, in words that a person can act on.

What the program says of itself is believed and not tried again: a training that refused its input, or that
failed with an exception, would do so three times. Only what happened *to* it (a signal, a lost worker) is.
"""

import signal
from collections.abc import Callable
from enum import StrEnum

from app.core.storage import StorageAway
from app.runs.leases import Ending, crashed
from app.runs.states import AttemptStatus, StepState
from app.runs.tables import Step
from ml.contract.outcome import EXIT_FAILED, EXIT_REFUSED


class Asked(StrEnum):
    """Why the worker itself told the program to stop."""

    CANCEL = "cancel"  # the run was cancelled
    LEAVE = "leave"  # the worker has to stop
    DEADLINE = "deadline"


def ending_of(step: Step, code: int, failure: str, last_lines: Callable[[], str]) -> Ending:
    """For a program that nobody told to stop and that ended with another code than 0."""
    if code in (EXIT_REFUSED, EXIT_FAILED):
        message, _, advice = (failure or _from_log(last_lines())).partition("\n")
        return _failed(message, advice, code)
    if code <= 128:
        message = f"The program ended with the exit code {code}."
        return _failed(message, "Its log has more.", code)
    if code == 128 + signal.SIGKILL:
        message = "The program was killed, most likely because the machine ran out of memory."
        advice = "Use a smaller batch or shorter texts, or a machine with more memory."
    else:
        message = f"The program was ended by the signal {_name(code - 128)}."
        advice = "Its log may say more. If it happens again, report it with the log."
    return crashed(step, AttemptStatus.FAILED, message, advice, code)


def storage_away(step: Step, error: StorageAway) -> Ending:
    """Neither the program's fault nor the data's: once more, up to the step's maximum."""
    return crashed(step, AttemptStatus.FAILED, error.message, error.advice, None)


def deadline_passed(seconds: int) -> Ending:
    message = (
        f"The step took longer than its {seconds / 3600:g} h."
        if seconds >= 360
        else (f"The step took longer than its {seconds} s.")
    )
    return _failed(message, "Use less data or fewer epochs, or a faster machine.", None)


def cancelled(code: int | None) -> Ending:
    message = "The run was cancelled."
    return Ending(StepState.CANCELLED, AttemptStatus.CANCELLED, message, exit_code=code)


def _failed(message: str, advice: str, code: int | None) -> Ending:
    return Ending(StepState.FAILED, AttemptStatus.FAILED, message, advice, code)


def _from_log(lines: str) -> str:
    last = lines.strip().rpartition("\n")[2].strip()
    return f"The program failed: {last}" if last else "The program failed and wrote nothing."


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
