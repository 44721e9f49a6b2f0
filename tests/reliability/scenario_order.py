"""The toys' run, watched: which paths are synced, renamed and committed, in this order.

What is told is what the process asked of the kernel, not what it says of itself: renames by the interpreter's
audit hook, syncs by the path that the descriptor stands for.
"""

import json
import os
import sys
from pathlib import Path

from sqlalchemy import Engine, event

from tests.reliability import scenario_toys

ORDER = "order.jsonl"


def act(home: Path) -> None:
    _watch(home.with_name(ORDER))
    scenario_toys.act(home)


def _watch(file: Path) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def tell(*what: str) -> None:
        os.write(descriptor, (json.dumps(what) + "\n").encode())

    def heard(name: str, arguments: tuple[object, ...]) -> None:
        if name == "os.rename":
            tell("rename", os.fspath(str(arguments[0])), os.fspath(str(arguments[1])))

    sync = os.fsync

    def watched(number: int) -> None:
        sync(number)
        tell("sync", os.readlink(f"/proc/self/fd/{number}"))

    sys.addaudithook(heard)
    os.fsync = watched  # type: ignore[assignment]
    event.listen(Engine, "commit", lambda _connection: tell("commit"))
