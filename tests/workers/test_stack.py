"""``make run`` as a whole: what it prints, how it ends, and that nothing of it survives."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

pytestmark = pytest.mark.flow

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 90
PARTS = ("valkey-server", "app.serve", "celery")
DIRECT = (sys.executable, "-m", "workers.stack")


def until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen"
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Started:
    home: Path
    port: int
    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    reader: threading.Thread = field(init=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ready(self) -> bool:
        assert self.process.poll() is None, "".join(self.lines)
        return f"ready {self.url}\n" in self.lines

    def part(self, name: str) -> int:
        """The process of one part itself, not the warden above it."""
        found = [pid for pid, line in belonging_to(self.home) if name in line and "warden.py" not in line]
        assert found, f"no {name} runs"
        return found[0]


def belonging_to(home: Path) -> list[tuple[int, str]]:
    """Every process with this home in its environment or arguments, except this test's own."""
    found = []
    for directory in Path("/proc").iterdir():
        if not directory.name.isdigit() or int(directory.name) == os.getpid():
            continue
        try:
            environment = (directory / "environ").read_bytes()
            line = (directory / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if line and (str(home).encode() in environment or str(home) in line):
            found.append((int(directory.name), line))
    return found


def start(home: Path, port: int, command: tuple[str, ...] = DIRECT) -> Started:
    environment = {**os.environ, "FITTINGROOM_HOME": str(home), "PORT": str(port)}
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    started = Started(home, port, process)

    def read() -> None:
        assert process.stdout is not None
        with process.stdout:
            started.lines.extend(process.stdout)

    started.reader = threading.Thread(target=read)
    started.reader.start()
    return started


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Started]:
    started = start(tmp_path / "home", free_port())
    until(started.ready, "ready")
    yield started
    started.process.kill()
    started.process.wait()
    until(lambda: not belonging_to(started.home), "the end of all parts")
    started.reader.join()


def status_of(url: str) -> int:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return int(answer.status)


def test_it_says_where_it_is_and_how_to_get_in_and_stops_whole(stack: Started) -> None:
    until(lambda: len(stack.lines) >= 2, "the second line")
    assert stack.lines[0] == f"ready {stack.url}\n"
    link = stack.lines[1].split()[-1]
    assert link.startswith(f"{stack.url}/setup?token=")
    assert status_of(link) == 200
    assert status_of(f"{stack.url}/livez") == 200
    running = " ".join(line for _, line in belonging_to(stack.home))
    assert all(part in running for part in PARTS)

    stack.process.send_signal(signal.SIGTERM)
    assert stack.process.wait(PATIENCE_SECONDS) == 0
    assert belonging_to(stack.home) == []


def test_killing_it_leaves_no_orphan(stack: Started) -> None:
    stack.process.kill()
    stack.process.wait()
    until(lambda: not belonging_to(stack.home), "the end of all parts")


def test_a_part_that_dies_comes_back_and_it_is_told(stack: Started) -> None:
    for part in ("app.serve", "valkey-server"):
        before = stack.part(part)
        os.kill(before, signal.SIGKILL)
        until(lambda part=part: f"the {PART_NAMES[part]} process ended" in "".join(stack.lines), "the report")
        until(lambda part=part, before=before: came_back(stack, part, before), "the restart")
    until(lambda: responds(stack), "the page")


PART_NAMES = {"app.serve": "web", "valkey-server": "broker"}


def came_back(stack: Started, part: str, before: int) -> bool:
    return any(
        pid != before and part in line and "warden.py" not in line for pid, line in belonging_to(stack.home)
    )


def responds(stack: Started) -> bool:
    try:
        return status_of(f"{stack.url}/readyz") == 200
    except OSError:
        return False


def test_a_second_one_on_the_same_home_or_port_is_refused(stack: Started, tmp_path: Path) -> None:
    same_home = start(stack.home, free_port())
    assert same_home.process.wait(PATIENCE_SECONDS) == 1
    same_port = start(tmp_path / "other", stack.port)
    assert same_port.process.wait(PATIENCE_SECONDS) == 1
    for refused, reason in ((same_home, "runs already"), (same_port, f"PORT={stack.port + 1}")):
        refused.reader.join()
        assert reason in "".join(refused.lines)
    assert status_of(f"{stack.url}/livez") == 200


def test_whoever_kills_make_stops_the_product(tmp_path: Path) -> None:
    """A shell stands for make: the supervisor follows whatever parent started it."""
    home = tmp_path / "home"
    words = f"{sys.executable} -m workers.stack --follow-parent & wait"
    shell = start(home, free_port(), ("bash", "-c", words))
    until(shell.ready, "ready")
    shell.process.kill()
    shell.process.wait()
    until(lambda: not belonging_to(home), "the end of all parts")
    shell.reader.join()
