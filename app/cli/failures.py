"""The exit codes, and the one exception that ends a command."""

from enum import IntEnum


class Exit(IntEnum):
    OK = 0
    FAILED = 1
    USAGE = 2
    GATE_FAILED = 3
    NOT_FOUND = 4
    NOT_ALLOWED = 5


BY_STATUS = {401: Exit.NOT_ALLOWED, 403: Exit.NOT_ALLOWED, 404: Exit.NOT_FOUND}


class Failure(Exception):
    """``message`` says what is the case, ``advice`` what to do about it; both go to standard error."""

    def __init__(self, message: str, advice: str = "", code: Exit = Exit.FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
        self.code = code
