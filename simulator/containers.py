"""A container is a process with a directory of its own in the place of ``/``.

Nothing is mounted and no image is pulled: a leading ``/opt/ml`` in the command and in the environment is
rewritten to the directory, whose name also stands in SIMULATED_ROOT, and ``python3`` is this interpreter
without the checkout that it may have been installed from.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from simulator.core import CREDENTIALS, State
from simulator.reaper import ROOT_VARIABLE, kill_all

ROOT = Path(__file__).parents[1]
# Of the machine only what makes its programs run; nothing of the simulator's own environment.
HANDED_ON = ("LD_LIBRARY_PATH", "OMP_NUM_THREADS", "OMP_WAIT_POLICY", "HF_HUB_OFFLINE")
LONGEST_LINE = 250_000  # CloudWatch takes 256 KiB
# A machine in the cloud has no checkout that an editable installation points to: what a job needs must come
# with it.
SITE = '''"""No editable installation is seen in a container."""
import sys

sys.meta_path[:] = [each for each in sys.meta_path if not str(getattr(each, "__module__", "")).startswith("__editable__")]
'''  # noqa: E501


def inside(root: Path, word: str) -> str:
    """``/opt/ml/…`` as it lies on this machine; also in ``--name=/opt/ml/…``."""
    name, equals, value = word.partition("=")
    if equals and _is_below(value):
        return f"{name}={root}{value}"
    return f"{root}{word}" if _is_below(word) else word


def _is_below(word: str) -> bool:
    return word == "/opt/ml" or word.startswith("/opt/ml/")


def image(state: State) -> Path:
    """What is in front of every container's PYTHONPATH."""
    place = state.home / "image"
    if not place.exists():
        place.mkdir(parents=True, exist_ok=True)
        (place / "sitecustomize.py").write_text(SITE)
    return place


class Container:
    """Its lines go to ``on_line`` as they come; ``on_end`` is called when nothing of it runs any more."""

    def __init__(
        self, state: State, root: Path, command: Sequence[str], environment: Mapping[str, str]
    ) -> None:
        self.root = root
        self.command = [inside(root, word) for word in command]
        self.environment = _base(state, root) | {
            name: inside(root, value) for name, value in environment.items()
        }
        self.code: int | None = None
        self._state = state
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self.code is None

    def start(self, on_line: Callable[[str], None], on_end: Callable[[], None]) -> None:
        watch_over(self._state)
        (self.root / "tmp").mkdir(parents=True, exist_ok=True)
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the request names it
                self.command,
                cwd=self.root,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:  # what Docker says then, and its exit code
            on_line(f"exec {self.command[0]}: {error.strerror}")
            self.code = 127
            on_end()
            return
        reader = threading.Thread(target=self._read, args=(on_line,), daemon=True)
        reader.start()
        threading.Thread(target=self._attend, args=(reader, on_end), daemon=True).start()

    def terminate(self) -> None:
        """As ``docker stop``: the first process is asked."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.kill()

    def _read(self, on_line: Callable[[str], None]) -> None:
        assert self._process
        assert self._process.stdout
        with self._process.stdout as stream:
            while line := stream.readline(LONGEST_LINE):
                on_line(line.decode(errors="replace").rstrip("\r\n"))

    def _attend(self, reader: threading.Thread, on_end: Callable[[], None]) -> None:
        """A container ends with its first process, so whatever that left behind is killed."""
        assert self._process
        code = self._process.wait()
        kill_all(self.root)
        reader.join()
        self.code = code
        on_end()


def _base(state: State, root: Path) -> dict[str, str]:
    python = Path(sys.executable).parent
    return {
        **{name: os.environ[name] for name in HANDED_ON if name in os.environ},
        "PATH": f"{python}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PYTHONPATH": str(image(state)),
        "PYTHONUNBUFFERED": "1",
        "HOME": str(root),
        "TMPDIR": str(root / "tmp"),
        "LANG": "C.UTF-8",
        **CREDENTIALS,
        "AWS_REGION": state.region,
        "AWS_DEFAULT_REGION": state.region,
        "AWS_ENDPOINT_URL": state.endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
        ROOT_VARIABLE: str(root),
    }


def watch_over(state: State) -> None:
    """See that no container outlives the simulator: once, before the first one starts."""
    with state.lock:
        if state.watched:
            return
        state.watched = True
    reaper = subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", "simulator.reaper", str(state.home)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )

    def end() -> None:
        kill_all(state.home)
        if reaper.stdin:
            reaper.stdin.close()
        reaper.wait()

    state.at_exit.append(end)
