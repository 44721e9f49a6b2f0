"""A process that has imported everything and forks one child for each trial: half a second less a trial.

It has no thread, no connection and no open file of the product, so that a child starts as a new process does.
"""

import importlib
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ml.contract import faults

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ended:
    """``code`` as subprocess has it: -9 for a child that was killed."""

    code: int
    log: str

    @property
    def killed(self) -> bool:
        return self.code == -signal.SIGKILL


class Nursery:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def raise_child(self, scenario: str, act: str, home: Path, fault: str = "") -> Ended:
        """``act`` of the scenario in a process of its own, armed with ``fault`` from its first moment."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        log = home.with_name(f"{home.name}.{act}.log")
        self._process.stdin.write(json.dumps([scenario, act, str(home), fault, str(log)]) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the nursery has died"
        return Ended(json.loads(answer), log.read_text(errors="replace"))


@contextmanager
def open_nursery(modules: Sequence[str]) -> Iterator[Nursery]:
    """``modules`` are imported once, each with a function named for every act."""
    command = [sys.executable, "-m", "tests.reliability.nursery", *modules]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Nursery(process)
        assert process.stdin is not None
        process.stdin.close()


def main(modules: Sequence[str]) -> None:
    for module in modules:
        importlib.import_module(module)
    for line in sys.stdin:
        scenario, act, home, fault, log = json.loads(line)
        child = os.fork()
        if child == 0:
            _live(scenario, act, Path(home), fault, log)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _live(scenario: str, act: str, home: Path, fault: str, log: str) -> None:
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(file, stream)
    os.environ[faults.VARIABLE] = fault  # for the step programs that it starts
    code = 1
    try:
        faults._plan = faults.plan_of(fault)
        getattr(importlib.import_module(scenario), act)(home)
        code = 0
    except BaseException:  # noqa: BLE001 - a child must never return into the nursery
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1:])
