"""The first rows of a Parquet upload, read by a process of its own under a memory limit.

A page of a few kilobytes may decode to 2 GB, and no footer has to say so. The web process must not find
out by itself.
"""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

from ml.contract.outcome import StepRefused
from ml.data.parquet import understand
from ml.data.source import Source

ROOT = Path(__file__).parents[2]
MEMORY = 3 << 30
SECONDS = 20
CELL = 2000

Rows = tuple[tuple[str | None, ...], ...]


def first_rows_apart(path: Path, count: int) -> Rows:
    """Empty where they cannot be had within the limits: columns are then known by their names only."""
    command = [sys.executable, "-m", "ml.data.apart", str(path), str(count)]
    try:
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, timeout=SECONDS, cwd=ROOT, env=_environment(), check=False
        )
    except subprocess.TimeoutExpired:
        return ()
    if done.returncode:
        return ()
    answer = json.loads(done.stdout)
    if "refused" in answer:
        raise StepRefused(*answer["refused"])
    return tuple(tuple(row) for row in answer["rows"])


def _environment() -> dict[str, str]:
    """What an interpreter needs to start, and no address or secret of the web process."""
    return {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}


def main(path: str, count: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    table = understand(Source(Path(path)))
    rows: list[list[str | None]] = []
    try:
        for record in table.sample():
            if record.values is not None:
                rows.append([cell and cell[:CELL] for cell in record.values])
            if record.number >= count:
                break
    except StepRefused as refused:
        answer: dict[str, object] = {"refused": [refused.message, refused.advice]}
    else:
        answer = {"rows": rows}
    print(json.dumps(answer))  # noqa: T201 - read by the process that asked


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
