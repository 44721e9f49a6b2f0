"""One try of a program step: directories, the child process, its log, its artifact.

A long training holds no transaction and no lock. The program runs under the warden and the container
contract with an allow-list for its environment: what parses an upload never sees a database's password.
"""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from app.core.database import AWAY
from app.core.errors import FittingRoomError
from app.core.services import Services
from app.core.storage import StorageAway, Tree
from app.runs import leases
from app.runs.leases import Ending, Lease, released
from app.runs.spec import StepSpec
from app.runs.states import AttemptStatus, StepState
from app.runs.tables import Step
from ml.contract.faults import faultpoint
from ml.contract.outcome import EXIT_OK
from ml.pipeline.program import ROOT
from workers import outcome
from workers.cores import usable_cores
from workers.devices import Card
from workers.environment import Layout, program_environment
from workers.heart import Heart
from workers.outcome import Asked
from workers.recording import Recorder
from workers.slots import GROUP_OF_QUEUE, LIGHT
from workers.storing import store
from workers.tailing import Tail

log = structlog.get_logger()

WARDEN = Path(__file__).with_name("warden.py")
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
TICK_SECONDS = 0.05
GRACE_SECONDS = 10.0  # from SIGTERM to SIGKILL: a checkpoint of a small model takes two


@dataclass(frozen=True)
class Host:
    """What an attempt may use of its worker. ``stopping`` is asked many times a second."""

    services: Services
    heavy_slots: int  # those for cards among them
    stopping: "Stopping"

    def cores_for(self, queue: str) -> int:
        """Heavy steps and those on cards share the machine's cores; a light one gets one."""
        if GROUP_OF_QUEUE[queue] == LIGHT:
            return 1
        return max(1, usable_cores() // self.heavy_slots)


class Stopping:
    """The worker's stop flag, set from a signal handler and therefore nothing but a flag."""

    def __init__(self) -> None:
        self.requested = False

    def request(self) -> None:
        self.requested = True


class Attempt:
    """``run`` returns how it ended, or None when the lease was lost and nothing may be left behind."""

    def __init__(
        self, host: Host, step: Step, lease: Lease, inputs: Mapping[str, Tree], card: Card | None = None
    ) -> None:
        self._host = host
        self._step = step
        self._spec = StepSpec.from_json(step.spec)
        self._lease = lease
        self._inputs = inputs
        self._card = card
        self._layout = Layout.of(host.services.settings.home, step.id, lease.fence)

    def run(self) -> Ending | None:
        try:
            with Heart(self._host.services.works, self._lease) as heart:
                ending = self._run(heart)
                lost = heart.lost.is_set()
        except StorageAway as error:
            ending, lost = outcome.storage_away(self._step, error), False
        except FittingRoomError as error:
            ending, lost = _refused(error), False
        except OSError as error:
            ending, lost = broken(error), False
        finally:
            shutil.rmtree(self._layout.root, ignore_errors=True)
        return None if lost else ending

    def forget(self) -> None:
        """The step is over: its checkpoints go too."""
        shutil.rmtree(self._layout.step_root, ignore_errors=True)

    def _run(self, heart: Heart) -> Ending | None:
        layout = self._layout
        faultpoint("attempt.layout")
        layout.make()
        for name, tree in self._inputs.items():
            self._host.services.storage.materialize(tree, layout.channel(name))
        works = self._host.services.works
        recorder = Recorder(works, self._lease, self._step.name, Tail(layout.log))
        child = self._start()
        try:
            code, asked = self._supervise(child, heart, recorder)
        finally:
            _kill(child)
        recorder.close()
        return None if heart.lost.is_set() else self._ending(code, asked, heart)

    def _start(self) -> subprocess.Popen[bytes]:
        """Forked in the slot's thread: the warden hears of this very thread's death."""
        program = self._spec.program
        assert program is not None, "only program steps are attempted"
        command = [sys.executable, "-P", "-m", program]
        cores = self._host.cores_for(self._step.queue)
        card = self._card.name if self._card else None
        environment = program_environment(
            self._host.services.settings, self._layout, self._spec, self._inputs, cores, card
        )
        environment["TRAINING_JOB_NAME"] = f"{self._step.id}-{self._lease.fence}"
        self._note(environment)
        faultpoint("attempt.start")
        with self._layout.log.open("wb") as log:
            return subprocess.Popen(  # noqa: S603 - a program of the pipeline's definition
                [sys.executable, "-I", "-S", str(WARDEN), str(os.getpid()), *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._layout.root,
                env={**environment, "PYTHONPATH": str(ROOT)},
                pass_fds=(self._card.lock,) if self._card else (),  # the card is taken while it runs
            )

    def _note(self, environment: Mapping[str, str]) -> None:
        """Only to be read later: a database that is away for a moment costs no attempt."""
        try:
            with self._host.services.works.writing() as work:
                leases.note_environment(work, self._lease, environment)
        except AWAY:
            log.warning("environment_not_noted", step_id=self._step.id, exc_info=True)

    def _supervise(
        self, child: subprocess.Popen[bytes], heart: Heart, recorder: Recorder
    ) -> tuple[int, Asked | None]:
        """Until the program has ended: follow its log, and pass on whoever wants it to stop."""
        deadline = time.monotonic() + self._spec.deadline_seconds
        asked: Asked | None = None
        kill_at = float("inf")
        while True:
            try:
                return child.wait(TICK_SECONDS), asked
            except subprocess.TimeoutExpired:
                pass
            if heart.lost.is_set() or time.monotonic() > kill_at:
                _kill(child)
            elif asked is None and (asked := self._wanted(heart, deadline)):
                child.send_signal(signal.SIGTERM)
                kill_at = time.monotonic() + GRACE_SECONDS
            recorder.look()

    def _wanted(self, heart: Heart, deadline: float) -> Asked | None:
        if heart.cancelled.is_set():
            return Asked.CANCEL
        if self._host.stopping.requested:
            return Asked.LEAVE
        return Asked.DEADLINE if time.monotonic() > deadline else None

    def _ending(self, code: int, asked: Asked | None, heart: Heart) -> Ending:
        # Whoever finished although it was told to stop has finished.
        if code == EXIT_OK:
            faultpoint("attempt.publish")
            tree = store(
                self._host.services.storage,
                self._layout.produced(),
                lambda: heart.lost.is_set() or heart.cancelled.is_set() or self._host.stopping.requested,
            )
            faultpoint("attempt.published")
            return Ending(
                StepState.SUCCEEDED,
                AttemptStatus.SUCCEEDED,
                exit_code=code,
                artifact=tree.sha256,
                artifact_size=tree.size,
            )
        if asked is Asked.CANCEL:
            return outcome.cancelled(code)
        if asked is Asked.DEADLINE:
            return outcome.deadline_passed(self._spec.deadline_seconds)
        if asked is Asked.LEAVE:
            return released(code)
        return outcome.ending_of(self._step, code, self._layout.failure(), self._layout.log_end)


def _refused(error: FittingRoomError) -> Ending:
    return Ending(StepState.FAILED, AttemptStatus.FAILED, error.message, error.advice)


def broken(error: OSError) -> Ending:
    """The disk: no directory, no link or no artifact could be written."""
    message = f"The worker could not write: {error.strerror}."
    return Ending(
        StepState.FAILED, AttemptStatus.FAILED, message, "Make room on its disk, then retry from this step."
    )


def _kill(child: subprocess.Popen[bytes]) -> None:
    """SIGUSR1 makes the warden kill the whole group, as it does when this worker dies."""
    if child.poll() is None:
        child.send_signal(signal.SIGUSR1)
        child.wait()
