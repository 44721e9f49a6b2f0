"""``python -m workers.alive [QUEUE]``: whether a worker of this machine lives, for health checks.

It asks the database, as everybody does who decides by it: a worker whose process is there and that has not
shown itself for a minute takes no steps. Asking Celery instead costs a second of CPU time each time.
"""

import socket
import sys

from app.core.database import Databases
from app.core.settings import Settings
from app.core.work import Works
from app.runs.workers.queries import live_workers


def main(arguments: list[str]) -> int:
    wanted = set(arguments)
    databases = Databases.open(Settings())
    try:
        with Works(databases).reading() as work:
            workers = live_workers(work.session)
            here = [one for one in workers if one.host == socket.gethostname() and wanted <= set(one.queues)]
    finally:
        databases.close()
    sys.stdout.write(f"{len(here)} here\n")
    return 0 if here else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
