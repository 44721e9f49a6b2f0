"""An attempt at a step whose program runs at AWS: what it needs is uploaded, its job created or found.

Which job that is stands in the database before AWS is asked for it. So whoever dies on the way is followed
by an attempt that finds the very job, and a step never has two.
"""

from collections.abc import Mapping

import structlog

from app.core.errors import FittingRoomError
from app.core.services import Services
from app.core.storage import StorageAway, Tree
from app.integrations.aws.clients import forget_clients
from app.integrations.aws.config import config_of
from app.integrations.aws.errors import CloudAway, CloudExpired, CloudNotSetUp, CloudRefused
from app.runs.cloud import jobs
from app.runs.cloud.hosts import CloudHost, JobOrder, Unwanted
from app.runs.cloud.tables import CloudJob
from app.runs.leases import Ending, Lease, released
from app.runs.spec import StepSpec
from app.runs.states import AttemptStatus, StepState
from app.runs.tables import Run, Step
from ml.contract.faults import faultpoint
from workers import outcome
from workers.attempt import Stopping, broken
from workers.cloud import endings
from workers.heart import Heart

log = structlog.get_logger()


class Submission:
    """``run`` returns how the attempt ended, or None: a job does the step now, or the lease was lost."""

    def __init__(
        self,
        services: Services,
        hosts: Mapping[str, CloudHost],
        stopping: Stopping,
        step: Step,
        lease: Lease,
        inputs: Mapping[str, Tree],
    ) -> None:
        self._services = services
        self._hosts = hosts
        self._stopping = stopping
        self._step = step
        self._spec = StepSpec.from_json(step.spec)
        self._lease = lease
        self._inputs = inputs
        self._job: CloudJob | None = None

    def run(self) -> Ending | None:
        with Heart(self._services.works, self._lease) as heart:
            ending = self._unless_away(heart)
            return None if heart.lost.is_set() else ending

    def _unless_away(self, heart: Heart) -> Ending | None:
        try:
            return self._submit(heart)
        except Unwanted:
            return outcome.cancelled(None) if heart.cancelled.is_set() else released()
        except (CloudAway, CloudExpired) as error:
            log.warning("cloud_away", step_id=self._step.id, message=error.message)
            if isinstance(error, CloudExpired):
                forget_clients()  # credentials that were renewed are found the next time
            return endings.waits(self._step, error)
        except StorageAway as error:
            return outcome.storage_away(self._step, error)
        except CloudRefused as error:
            self._close(error)
            return _refused(error)
        except FittingRoomError as error:
            return _refused(error)
        except OSError as error:
            return broken(error)

    def _submit(self, heart: Heart) -> Ending | None:
        works = self._services.works
        host = self._host()
        with works.writing() as work:
            config = config_of(work, self._services.settings)
            if config is None:
                raise CloudNotSetUp
            faultpoint("job.intend")
            job = self._job = jobs.intend(work, self._lease, self._step, config)
        if job is None:
            return None
        started = host.ensure(self._order(job), lambda: self._unwanted(heart))
        faultpoint("job.save")
        with works.writing() as work:
            begun = jobs.begun(work, self._lease, job, started)
        faultpoint("job.saved")
        log.info("job_begun", job=job.name, created=started.created, saved=begun)
        return None

    def _host(self) -> CloudHost:
        compute = self._spec.compute
        assert compute is not None, "its kind says that it runs at AWS"
        return self._hosts[compute.host]

    def _order(self, job: CloudJob) -> JobOrder:
        with self._services.works.reading() as work:
            number = work.session.get_one(Run, self._lease.run_id).number
        return JobOrder(job, number, self._step.name, self._spec, self._inputs)

    def _unwanted(self, heart: Heart) -> bool:
        return heart.lost.is_set() or heart.cancelled.is_set() or self._stopping.requested

    def _close(self, error: CloudRefused) -> None:
        """AWS has refused: the row says why, and a keeper closes it once it knows that there is no job."""
        if self._job is not None:
            with self._services.works.writing() as work:
                jobs.refused(work, self._job.id, error.message)


def _refused(error: FittingRoomError) -> Ending:
    return Ending(StepState.FAILED, AttemptStatus.FAILED, error.message, error.advice)
