"""The one family of expected refusals. Features subclass these beside the verb that raises them.

The web boundary turns one into RFC 9457 JSON or an error page; the worker boundary into a failed step.
"""


class FittingRoomError(Exception):
    """``message`` says what is the case, ``advice`` what the reader can do; ``details`` go into the JSON."""

    status = 500
    title = "Something went wrong"

    def __init__(self, message: str, advice: str = "", **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
        self.details = details

    @property
    def code(self) -> str:
        """A stable word for programs: the class's name in snake case."""
        name = type(self).__name__
        return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


class Invalid(FittingRoomError):
    status = 422
    title = "That can't be used"


class Unauthenticated(FittingRoomError):
    status = 401
    title = "Sign in first"


class Forbidden(FittingRoomError):
    status = 403
    title = "Not allowed"


class NotFound(FittingRoomError):
    status = 404
    title = "Not found"


class Conflict(FittingRoomError):
    status = 409
    title = "Somebody was faster"


class TooLarge(FittingRoomError):
    status = 413
    title = "Too large"


class TooMany(FittingRoomError):
    status = 429
    title = "Too many requests"


class DiskFull(FittingRoomError):
    status = 507
    title = "The disk is full"


class Unavailable(FittingRoomError):
    status = 503
    title = "Not available now"
