"""Who looks after the jobs at AWS: every worker, each time for those that are due and that nobody has.

Nothing holds a slot or a lease on a step while its job runs: a look is short, and the worker that began a
job need not be the one that ends it.
"""

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from urllib.parse import urlsplit

from app.core.ids import new_id
from app.core.services import Services
from app.runs import leases
from app.runs.cloud import queries as job_queries
from app.runs.cloud.hosts import CloudHost
from app.runs.cloud.tables import CloudJob
from app.runs.leases import Lease, crashed
from app.runs.states import AttemptStatus
from workers.attempt import Stopping
from workers.cloud.keeping import Keeping

THREADS = 4
PAUSE_SECONDS = 5.0
NEAR_PAUSE_SECONDS = 1.0  # a simulator on this machine minds nothing
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def pause_for(endpoint: str | None) -> float:
    near = endpoint is not None and urlsplit(endpoint).hostname in LOOPBACK
    return NEAR_PAUSE_SECONDS if near else PAUSE_SECONDS


class Poller:
    """``threads`` 0 looks in the caller's own thread, one job after the other."""

    def __init__(
        self,
        services: Services,
        hosts: Mapping[str, CloudHost],
        name: str,
        stopping: Stopping,
        threads: int = THREADS,
        pause: float | None = None,
    ) -> None:
        self._services = services
        self._hosts = hosts
        self._name = name
        self._stopping = stopping
        self._pause = pause_for(services.settings.aws_endpoint) if pause is None else pause
        self._threads = threads
        self._pool: ThreadPoolExecutor | None = None
        self._looks: list[Future[None]] = []

    def tick(self) -> int:
        """How many jobs are looked at because of it."""
        self._looks = [look for look in self._looks if not look.done()]
        room = max(1, self._threads) - len(self._looks)
        if not self._hosts or room <= 0:
            return 0
        with self._services.works.reading() as work:
            due = job_queries.due_jobs(work.session, room)
        taken = [job for job_id in due if (job := self._take(job_id))]
        for job in taken:
            self._look_after(job)
        return len(taken)

    def rescue(self) -> None:
        """Steps that wait for a job of which no row is left open, as after a backup came back: once more."""
        with self._services.works.reading() as work:
            stranded = job_queries.stranded_steps(work.session)
        for step in stranded:
            lease = Lease(step.id, step.run_id, step.fence, step.attempt, 0)
            with self._services.works.writing() as work:
                ending = crashed(step, AttemptStatus.LOST, "Nobody knows its job at AWS any more.", "", None)
                leases.finish_remote(work, self._services, lease, ending)

    def stop(self) -> None:
        """A fetch hears that the worker stops; another worker fetches then."""
        if self._pool is not None:
            self._pool.shutdown(wait=True)

    def _take(self, job_id: str) -> CloudJob | None:
        """Under a name for this look alone: one that was frozen must not pass for its own successor."""
        owner = f"{self._name[-60:]}/{new_id('look')}"
        with self._services.works.writing() as work:
            job = job_queries.take(work.session, job_id, owner, self._services.settings.lease_seconds)
        return job if job is not None and job.host in self._hosts else None

    def _look_after(self, job: CloudJob) -> None:
        keeping = Keeping(self._services, self._hosts, self._stopping, job, self._pause)
        if not self._threads:
            keeping.run()
            return
        self._pool = self._pool or ThreadPoolExecutor(self._threads, thread_name_prefix="keeper")
        self._looks.append(self._pool.submit(keeping.run))
