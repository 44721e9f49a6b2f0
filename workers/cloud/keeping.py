"""One look at one job: what it says, what it wrote, whether it shall stop, and what it left.

Any worker may do it, one at a time: the row's ``poll_until`` is a lease by the database's clock. Whoever dies
here leaves nothing but lateness. While AWS can't be reached the step stays remote and says why: a job that
nobody sees may still run and cost money.
"""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import structlog

from app.core.database import AWAY
from app.core.errors import FittingRoomError
from app.core.services import Services
from app.core.storage import StorageAway
from app.core.work import Work
from app.integrations.aws.clients import forget_clients
from app.integrations.aws.errors import CloudAway, CloudExpired
from app.runs import leases, queries
from app.runs.cloud import jobs
from app.runs.cloud import queries as job_queries
from app.runs.cloud.downloads import TooMuch
from app.runs.cloud.hosts import CloudHost, JobLook, Unwanted
from app.runs.cloud.job_host import BadOutput
from app.runs.cloud.tables import CloudJob
from app.runs.leases import Ending, Lease
from app.runs.states import AttemptStatus, StepState
from app.runs.tables import Run, Step
from ml.contract.faults import faultpoint
from workers.attempt import Stopping
from workers.cloud import endings
from workers.cloud.log import LogTaker
from workers.environment import Layout
from workers.heart import Heart
from workers.outcome import Asked, cancelled
from workers.storing import store

log = structlog.get_logger()

OVERTIME_SECONDS = 120.0  # the service itself stops a job that takes too long, and gets this much to do so
PROBLEM_LIMIT = 60.0  # seconds between two looks at a job that can't be reached


class Keeping:
    """``pause`` is how many seconds lie between two looks at a job that runs."""

    def __init__(
        self,
        services: Services,
        hosts: Mapping[str, CloudHost],
        stopping: Stopping,
        job: CloudJob,
        pause: float,
    ) -> None:
        self._services = services
        self._works = services.works
        self._host = hosts[job.host]
        self._stopping = stopping
        self._job = job
        self._owner = job.poll_owner or ""
        self._pause = pause
        seconds = services.settings.lease_seconds
        self._lease = Lease(job.step_id, job.run_id, job.fence, job.attempt, seconds)

    def run(self) -> None:
        about = {"run_id": self._job.run_id, "step_id": self._job.step_id, "job": self._job.name}
        with structlog.contextvars.bound_contextvars(**about):
            try:
                self._run()
            except AWAY:
                log.warning("keeping_lost_the_database", exc_info=True)  # its lease will run out

    def _run(self) -> None:
        try:
            with Heart(self._works, self._lease, self._beat) as heart:
                self._look(heart)
        except Unwanted:
            self._leave(0)
        except (CloudAway, CloudExpired, StorageAway) as error:
            if isinstance(error, CloudExpired):
                forget_clients()  # credentials that were renewed are found the next time
            self._put_off(f"{error.message} {error.advice}".strip())
        except AWAY:
            raise
        except FittingRoomError as error:  # the job may still run, so its step has not failed
            self._put_off(f"{error.message} {error.advice}".strip())
        except OSError as error:
            self._put_off(f"The worker could not write: {error.strerror}. Make room on its disk.")
        except Exception as error:
            log.exception("keeping_failed_unexpectedly")
            self._put_off(f"It failed unexpectedly: {type(error).__name__}: {error}")

    def _beat(self, work: Work, lease: Lease) -> bool:
        return jobs.prolong(work, self._job.id, self._owner, lease.seconds)

    def _look(self, heart: Heart) -> None:
        faultpoint("job.look")
        look = self._host.look(self._job)
        with self._works.writing() as work:
            noted = jobs.note(work, self._job, look)
            if noted is None:
                return
            # Read anew in this transaction: an attempt may just have taken the job on.
            wanted = jobs.is_wanted(work, noted)
            found = job_queries.step_of(work.session, noted)
        self._job = noted
        self._lease = replace(self._lease, fence=noted.fence, attempt=noted.attempt)
        if not wanted or found is None:
            self._wind_down(look)
        elif found[0].state != StepState.REMOTE:
            self._leave(self._lease.seconds)  # its step is on the way to it
        elif look.state == "running":
            self._follow(look, *found)
        else:
            self._end(look, heart, *found)

    # --- a job that runs ----------------------------------------------------------------------------

    def _follow(self, look: JobLook, step: Step, run: Run) -> None:
        if why := self._why_stop(look, run):
            self._stop(look, why)
        if self._take_log(step, whole=False):
            self._leave(self._pause)

    def _why_stop(self, look: JobLook, run: Run) -> str:
        if run.cancel_requested:
            return Asked.CANCEL
        if look.started_at is None:
            return ""
        with self._works.reading() as work:
            ran = (queries.clock(work.session) - look.started_at).total_seconds()
        return Asked.DEADLINE if ran > self._job.max_seconds + OVERTIME_SECONDS else ""

    def _stop(self, look: JobLook, why: str) -> None:
        """Why is written down first. AWS is told again at each look, for it may not have heard."""
        if self._job.stop_requested_at is None:
            with self._works.writing() as work:
                noted = jobs.stop_requested(work, self._job, why)
            if noted is None:
                return
            self._job = noted
        if look.status != "Stopping":
            self._host.stop(self._job)

    def _wind_down(self, look: JobLook) -> None:
        """Its step is over, or another job does it: nothing may go on running and be paid for."""
        if look.state == "running":
            self._stop(look, endings.UNWANTED)
            self._leave(self._pause)
            return
        with self._works.writing() as work:
            jobs.over(work, self._job, look)
        log.info("job_wound_down", state=look.state)

    # --- a job that has ended -----------------------------------------------------------------------

    def _end(self, look: JobLook, heart: Heart, step: Step, run: Run) -> None:
        if self._log_may_be_late(look):
            self._leave(self._pause)
            return
        # A keeper that was frozen and its successor on the same machine don't share one.
        root = Layout.of(self._services.settings.home, step.id, self._job.fence).root
        directory = root / self._owner.rpartition("/")[2]
        try:
            ending = self._ending(look, heart, step, run, directory)
        finally:
            shutil.rmtree(directory, ignore_errors=True)
        if self._take_log(step, whole=True):
            self._finish(look, ending)
            shutil.rmtree(directory.parents[1], ignore_errors=True)

    def _log_may_be_late(self, look: JobLook) -> bool:
        """The last lines reach CloudWatch some seconds after the job's end."""
        if look.ended_at is None:
            return False
        with self._works.reading() as work:
            return (queries.clock(work.session) - look.ended_at).total_seconds() < self._pause

    def _ending(self, look: JobLook, heart: Heart, step: Step, run: Run, directory: Path) -> Ending:
        if look.state != "completed":
            return endings.ended(step, self._job, look)
        try:
            return self._bring_back(heart, directory)
        except (BadOutput, TooMuch) as error:
            return Ending(StepState.FAILED, AttemptStatus.FAILED, error.message, error.advice)
        except FittingRoomError:
            if run.cancel_requested:  # nobody waits for it any more, and it costs nothing
                return cancelled(None)
            raise

    def _bring_back(self, heart: Heart, directory: Path) -> Ending:
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        produced = self._host.fetch(
            self._job, directory, lambda: heart.lost.is_set() or self._stopping.requested
        )
        faultpoint("job.fetched")
        tree = store(self._services.storage, produced, lambda: True)
        faultpoint("job.stored")
        return Ending(
            StepState.SUCCEEDED,
            AttemptStatus.SUCCEEDED,
            exit_code=0,
            artifact=tree.sha256,
            artifact_size=tree.size,
        )

    def _finish(self, look: JobLook, ending: Ending) -> None:
        """The step's end and the job's are one transaction; the fence guards the one, the keeper the other.

        The run's row is locked first, as everybody does who changes both.
        """
        with self._works.writing() as work:
            queries.locked_run(work.session, self._job.run_id)
            if jobs.over(work, self._job, look) is None:
                return
            faultpoint("job.finish")
            moved = leases.finish_remote(work, self._services, self._lease, ending)
        log.info("job_over", state=look.state, to=ending.to, moved=moved)

    # --- both ---------------------------------------------------------------------------------------

    def _take_log(self, step: Step, *, whole: bool) -> bool:
        taker = LogTaker(self._works, self._host, self._lease, step.name)
        noted = taker.take(self._job, whole=whole)
        if noted is not None:
            self._job = noted
        return noted is not None

    def _put_off(self, problem: str) -> None:
        log.warning("job_not_reached", problem=problem)
        self._leave(min(PROBLEM_LIMIT, max(self._pause, 1.0) * 2 ** min(self._job.polls_failed, 10)), problem)

    def _leave(self, seconds: float, problem: str = "") -> None:
        with self._works.writing() as work:
            jobs.leave(work, self._job, seconds, problem)
