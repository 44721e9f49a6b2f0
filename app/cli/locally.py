"""What commands share that work on the machine itself, without a server."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.cli.failures import Failure


@contextmanager
def explained() -> Iterator[None]:
    """The errors of home, database and rules as what the command line says about them."""
    # Imported here: the server's libraries would cost every other command half a second.
    from sqlalchemy.exc import SQLAlchemyError

    from app.core.errors import FittingRoomError

    try:
        yield
    except OSError as error:
        raise Failure(f"The home directory can't be used: {error}", "Set FITTINGROOM_HOME.") from None
    except SQLAlchemyError as error:
        first_line = str(error).splitlines()[0]
        raise Failure(f"The database can't be used: {first_line}", "Ask: fittingroom doctor") from None
    except FittingRoomError as error:
        raise Failure(error.message, error.advice) from None
