"""Logs: one JSON object a line on standard error.

JSON also keeps a line break or an escape sequence in somebody's input from forging a line. Tracebacks
show no local variables, since those hold passwords and tokens.
"""

import sys

import structlog


def configure_logs() -> None:
    """Called once by each program, never at import."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
