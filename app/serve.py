"""``python -m app.serve [web|predict] [--host 0.0.0.0]``: one web process, as it runs in production.

SIGTERM ends it with 0 once what was asked is answered: whoever runs it would take anything else for a crash.
"""

import argparse
import os
import signal
import sys
from types import FrameType

import uvicorn
from pydantic import ValidationError

from app.core.settings import Settings, UnusableFile

APPLICATIONS = {"web": "app.main:create", "predict": "app.predictions:create"}
GRACE_SECONDS = 5  # for answers under way; an open event stream would never end by itself


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m app.serve", description=__doc__)
    parser.add_argument("application", nargs="?", default="web", choices=APPLICATIONS)
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    asked = parser.parse_args(arguments)
    # Until uvicorn has its own handler nothing has begun; once it has ended in order, it hands the signal on.
    signal.signal(signal.SIGTERM, _end)
    uvicorn.run(
        APPLICATIONS[asked.application],
        factory=True,
        host=asked.host,
        port=_settings().port,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        # Else whoever reaches this port chooses the address and the scheme that they come with.
        proxy_headers=bool(os.environ.get("FORWARDED_ALLOW_IPS")),
    )


def _settings() -> Settings:
    try:
        return Settings()
    except (ValidationError, UnusableFile) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else None
        sys.exit(f"{'.'.join(map(str, first['loc']))}: {first['msg']}" if first else str(error))


def _end(_signum: int, _frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
