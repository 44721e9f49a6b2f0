"""What processing and training jobs have in common: a thread, containers, and how they end.

A job ends by itself, or because somebody stops it, its time is up, a container fails, its machine breaks, or
(spot) its machine is taken away. Whatever it is, the containers get SIGTERM and, after the grace time, are
killed; a broken machine grants none.
"""

import json
import math
import shutil
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

from simulator.containers import Container
from simulator.core import AwsError, Request, State, invalid, now
from simulator.logs import LogStream
from simulator.transfers import DataFault, Mirror

MIRROR_SECONDS = 0.5
LOOK_SECONDS = 0.1  # a job notices that its time is up; all else wakes it
LONGEST_REASON = 1024


class Wish(Enum):
    """Why a job's containers are to end before they end by themselves."""

    STOP = "stop"
    TIME = "time"
    BROKEN = "broken"
    INTERRUPTED = "interrupted"


class Failed(Exception):
    """The job fails with this reason."""


class Job:
    """One job. ``status`` and all else that is described changes under the state's lock."""

    kind = ""
    word = ""  # in the refusal of a stop
    log_group = ""

    def __init__(self, state: State, name: str, request: Request) -> None:
        self.state = state
        self.name = name
        self.request = request
        self.arn = state.arn(self.kind, name)
        self.status = "InProgress"
        self.reason = ""
        self.created = self.changed = now()
        self.started: datetime | None = None
        self.ended: datetime | None = None
        self.over = threading.Event()
        self._wish: Wish | None = None
        self._broken_reason = ""
        self._moved = threading.Condition()
        self._last_stream = 0

    # --- asked from outside -----------------------------------------------------------------------

    def start(self) -> None:
        threading.Thread(target=self._work, name=f"{self.kind}-{self.name}", daemon=True).start()

    def stop(self) -> None:
        with self.state.lock:
            if self.status not in ("InProgress", "Stopping"):
                raise invalid(
                    f"The request was rejected because the {self.word} job is in status {self.status}"
                )
            self.status = "Stopping"
        self._want(Wish.STOP)

    def break_down(self, reason: str) -> bool:
        self._broken_reason = reason
        return self._want(Wish.BROKEN)

    def _want(self, wish: Wish) -> bool:
        """A broken machine overtakes everything, and a stop the machines that are taken away."""
        with self._moved:
            if self.over.is_set():
                return False
            overtaken = (None, Wish.INTERRUPTED)
            if self._wish in overtaken or wish is Wish.BROKEN:
                self._wish = wish
            self._moved.notify_all()
            return True

    # --- its life -----------------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            self._run()
            status, reason = "Completed", ""
            if self._wish is Wish.BROKEN:
                raise Failed(self._broken_reason)
            if self._wish in (Wish.STOP, Wish.TIME):
                status = "Stopped"
        except Failed as failed:
            status, reason = "Failed", str(failed)
        except DataFault as fault:
            status, reason = "Failed", f"ClientError: {fault}"
        except Exception as error:  # noqa: BLE001 - a thread ends here, and who waits must be told
            traceback.print_exc()
            status, reason = "Failed", f"InternalServerError: the simulator itself failed: {error!r}"
        if self._wish is Wish.STOP and status == "Failed" and not self._broken_reason:
            status, reason = "Stopped", ""
        with self.state.lock:
            self.status, self.reason = status, reason[:LONGEST_REASON]
            self.ended = self.changed = now()
            self._finish()
            self.over.set()

    def _run(self) -> None:
        raise NotImplementedError

    def _finish(self) -> None:
        """What else is written when a job ends, in the same moment."""

    # --- containers -----------------------------------------------------------------------------------

    def _attend(
        self,
        containers: list[Container],
        observe: Callable[[str], None],
        mirrors: list[Mirror],
        seconds: float,
    ) -> list[int]:
        """Run them until all have ended; their exit codes."""
        streams = [self._stream(host) for host in range(1, len(containers) + 1)]
        following = threading.Event()
        follower = threading.Thread(target=_follow, args=(mirrors, following), daemon=True)
        follower.start()
        for container, stream in zip(containers, streams, strict=True):
            container.start(_both(stream.write, observe), self._notice)
        try:
            self._wait(containers, time.monotonic() + seconds)
        finally:
            following.set()
            follower.join()
            for stream in streams:
                stream.close()
        for mirror in mirrors:
            mirror.follow(finished=True)
        return [container.code if container.code is not None else -1 for container in containers]

    def _wait(self, containers: list[Container], deadline: float) -> None:
        asked = math.inf
        with self._moved:
            while any(container.running for container in containers):
                if self._wish is None and time.monotonic() >= deadline:
                    self._wish = Wish.TIME
                fellow_failed = any(container.code for container in containers)
                if asked == math.inf and (self._wish or fellow_failed):
                    asked = time.monotonic()
                    for container in containers:
                        container.terminate()
                # Read each time: a test may shorten what it waits for.
                if self._wish is Wish.BROKEN or time.monotonic() >= asked + self.state.grace_seconds:
                    for container in containers:
                        container.kill()
                self._moved.wait(LOOK_SECONDS)

    def _notice(self) -> None:
        with self._moved:
            self._moved.notify_all()

    def _stream(self, host: int) -> LogStream:
        """Named by host and second; a job that starts again has another."""
        if host == 1:
            self._last_stream = max(self._last_stream + 1, int(time.time()))
        return LogStream(self.state, self.log_group, f"{self.name}/algo-{host}-{self._last_stream}")

    def _roots(self, count: int) -> list[Path]:
        return [self.state.directory(f"{self.name}-algo-{host}") for host in range(1, count + 1)]


def _both(write: Callable[[str], None], observe: Callable[[str], None]) -> Callable[[str], None]:
    def line(text: str) -> None:
        write(text)
        observe(text)

    return line


def _follow(mirrors: list[Mirror], ended: threading.Event) -> None:
    while mirrors and not ended.wait(MIRROR_SECONDS):
        for mirror in mirrors:
            try:
                mirror.follow(finished=False)
            except DataFault:  # the last look, after the end, tells
                continue


def hosts(count: int) -> list[str]:
    return [f"algo-{number}" for number in range(1, count + 1)]


def write_json(path: Path, words: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(words))


def discard(roots: Iterable[Path]) -> None:
    for root in roots:
        shutil.rmtree(root, ignore_errors=True)


def message_in(roots: Iterable[Path], name: str) -> str:
    """What a container wrote for people below ``/opt/ml/output``: the first host's that did."""
    for root in roots:
        path = root / "opt/ml/output" / name
        if path.is_file():
            return path.read_text(errors="replace")[:LONGEST_REASON]
    return ""


def find(state: State, kind: str, name: str, words: str) -> Any:
    job = state.table(kind).get(name)
    if job is None:
        raise invalid(words)
    return job


def add(state: State, job: Job, refusal: str) -> None:
    """Whoever comes second with a name is refused, ended jobs included."""
    with state.lock:
        known = state.table(job.kind).get(job.name)
        if known is not None:
            raise AwsError("ResourceInUse", f"{refusal} ({known.arn})")
        state.table(job.kind)[job.name] = job
        state.tags[job.arn] = {tag["Key"]: tag["Value"] for tag in job.request.get("Tags", [])}
    job.start()


def forget(state: State, job: Job) -> None:
    """All that was known of an ended job, after which its name may be given again."""
    with state.lock:
        if not job.over.is_set():
            raise AwsError("ResourceInUse", f"The {job.word} job {job.name} is in status {job.status}.")
        del state.table(job.kind)[job.name]
        state.tags.pop(job.arn, None)


def present(words: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in words.items() if value not in (None, "")}
