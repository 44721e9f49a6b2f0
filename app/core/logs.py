"""Logs: one JSON object a line on standard error, from our own code and from the libraries alike.

JSON also keeps a line break or an escape sequence in somebody's input from forging a line. Tracebacks
show no local variables, since those hold passwords and tokens. What a line is about (request_id, run_id,
step_id, worker) is bound once by whoever begins the work and stands in every line until it ends.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

LIBRARIES = ("uvicorn", "uvicorn.error", "uvicorn.access", "celery", "kombu", "alembic")


class _StandardError(logging.Handler):
    """Asks for the stream at each line: under test it is another one each time."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stderr.write(self.format(record) + "\n")


def configure_logs(level: str = "info") -> None:
    """Called once by each program, never at import."""
    wanted = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(wanted),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
    _take_over_libraries(max(wanted, logging.WARNING))


def _take_over_libraries(level: int) -> None:
    """Theirs become lines like ours; below a warning they say nothing that an operator needs."""
    root = logging.getLogger()
    if not any(isinstance(handler, _StandardError) for handler in root.handlers):
        handler = _StandardError()
        handler.setFormatter(_formatter())
        root.addHandler(handler)
    root.setLevel(level)
    for name in LIBRARIES:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        # Its lines would have whole addresses, with the words of searches; ours stand instead.
        logger.propagate = name != "uvicorn.access"


def _formatter() -> structlog.stdlib.ProcessorFormatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _named,
            structlog.processors.JSONRenderer(),
        ],
    )


def _named(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The library's text is free and must not be taken for the name of an event of ours."""
    line["message"] = line.pop("event", "")
    line["event"] = "library"
    return line
