import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from workers.children import Child

PATIENCE_SECONDS = 20
SLEEPER = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"


def until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """A zombie has ended; it only waits to be read."""
    try:
        return "(zombie)" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def child_of(tmp_path: Path, program: str) -> Child:
    return Child("sleeper", [sys.executable, "-c", program], tmp_path / "sleeper.log", os.environ)


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Child]:
    child = child_of(tmp_path, SLEEPER)
    child.start()
    until(lambda: bool((tmp_path / "sleeper.log").read_text().strip()), "the program's start")
    yield child
    child.kill()
    until(lambda: not child.running, "the program's end")


def test_terminating_reaches_the_program_itself(sleeper: Child, tmp_path: Path) -> None:
    pid = int((tmp_path / "sleeper.log").read_text())
    assert alive(pid)
    sleeper.terminate()
    until(lambda: not sleeper.running, "the end")
    assert not alive(pid)


def test_one_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    child = child_of(tmp_path, "import signal; signal.signal(15, signal.SIG_IGN); " + SLEEPER)
    child.start()
    until(lambda: bool((tmp_path / "sleeper.log").read_text().strip()), "the start")
    pid = int((tmp_path / "sleeper.log").read_text())
    child.terminate()
    child.kill()
    until(lambda: not child.running and not alive(pid), "the end")


def test_a_crash_is_told_and_mended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    count = tmp_path / "count"
    program = (
        f"import pathlib, sys, time; p = pathlib.Path({str(count)!r}); p.touch(); "
        "n = p.stat().st_size; p.write_text('x' * (n + 1)); print('start', n, flush=True); "
        "sys.exit('out of thread') if n == 0 else time.sleep(600)"
    )
    child = child_of(tmp_path, program)
    child.start()

    def restarted() -> bool:
        child.watch()
        return child.running and "start 1" in (tmp_path / "sleeper.log").read_text()

    until(restarted, "the restart")
    assert child.crashes == 1
    told = capsys.readouterr().err
    assert "ended with 1" in told
    assert "out of thread" in told
    child.kill()
    until(lambda: not child.running, "the end")


def test_reported_errors_are_repeated_on_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    child = child_of(tmp_path, "print('all quiet'); print('[error] disk full', flush=True); " + SLEEPER)
    child.start()
    until(lambda: "disk full" in (tmp_path / "sleeper.log").read_text(), "the report")
    child.watch()
    told = capsys.readouterr().err
    assert "sleeper: [error] disk full" in told
    assert "all quiet" not in told
    child.kill()
    until(lambda: not child.running, "the end")


def test_a_killed_supervisor_leaves_no_orphan(tmp_path: Path) -> None:
    log = tmp_path / "sleeper.log"
    supervisor = (
        "import os, sys, time; from pathlib import Path; from workers.children import Child; "
        f"c = Child('s', [sys.executable, '-c', {SLEEPER!r}], Path({str(log)!r}), os.environ); "
        "c.start(); time.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", supervisor], cwd=Path(__file__).parents[2])
    until(lambda: log.exists() and bool(log.read_text().strip()), "the start")
    pid = int(log.read_text())
    process.send_signal(signal.SIGKILL)
    process.wait()
    until(lambda: not alive(pid), "the orphan's end")


def test_the_parts_of_the_product_keep_their_priority(tmp_path: Path) -> None:
    child = child_of(tmp_path, "import os; print(os.nice(0), flush=True); import time; time.sleep(600)")
    child.start()
    until(lambda: bool((tmp_path / "sleeper.log").read_text().strip()), "the start")
    assert int((tmp_path / "sleeper.log").read_text()) == os.nice(0)
    child.kill()
    until(lambda: not child.running, "the end")
