"""Toys whose programs run as jobs at AWS: the simulator is AWS, all else is the product's own code."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update

from app.core.services import Services
from app.core.settings import Settings
from app.handlers import open_services
from app.integrations.aws.forms import CloudRequest
from app.integrations.aws.setup import save_settings
from app.runs import queries, service
from app.runs.cloud.tables import CloudJob
from app.runs.tables import MetricPoint, Step
from tests.programs.cloud import Simulator
from tests.programs.installation import Inbox, Toys, toy_services
from workers.attempt import Stopping
from workers.cloud.polling import Poller

PATIENCE_SECONDS = 240


def set_up(services: Services, simulator: Simulator, **settings: Any) -> str:
    """What an administrator enters. The bucket, which is this installation's own."""
    bucket = simulator.new_bucket()
    wanted = CloudRequest(region=simulator.region, role_arn=simulator.role_arn, bucket=bucket, **settings)
    with services.works.writing() as work:
        save_settings(work, "usr_1", wanted)
    return bucket


@dataclass
class AwsToys(Toys):
    """``poll`` is what a worker's dispatcher does each second, here in the test's own thread."""

    simulator: Simulator
    bucket: str

    def away(self, pipeline: str = "toys", **request: Any) -> str:
        return self.launch(pipeline, compute="sagemaker", **request)

    def job(self, run_id: str, step: str = "prepare") -> CloudJob:
        return self.jobs(run_id, step)[-1]

    def jobs(self, run_id: str, step: str = "prepare") -> list[CloudJob]:
        found = self.detail(run_id).step(step)
        assert found is not None
        with self.services.works.reading() as work:
            mine = select(CloudJob).where(CloudJob.step_id == found.id).order_by(CloudJob.fence)
            return list(work.session.scalars(mine))

    def step(self, run_id: str, name: str = "prepare") -> Step:
        found = self.detail(run_id).step(name)
        assert found is not None
        return found

    @property
    def poller(self) -> Poller:
        return Poller(self.services, self.worker.clouds, "here", Stopping(), threads=0, pause=0)

    def poll(self) -> int:
        self.hurry()
        return self.poller.tick()

    def hurry(self) -> None:
        """Nobody wants to wait for the pause between two looks, or between two attempts."""
        with self.services.works.writing() as work:
            now = queries.clock(work.session)
            open_jobs = update(CloudJob).where(CloudJob.ended_at.is_(None), CloudJob.poll_at.is_not(None))
            work.session.execute(open_jobs.values(poll_at=now))
            work.session.execute(update(Step).where(Step.state == "ready").values(not_before=None))
            ready = work.session.execute(select(Step.id, Step.queue).where(Step.state == "ready")).tuples()
            self.inbox.sent = list(ready)  # as a dispatcher sends again what nobody took

    def until(self, reached: Callable[[], Any], what: str) -> Any:
        """Look after the jobs and carry messages until it is so."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (seen := reached()):
            assert time.monotonic() < deadline, f"waited in vain until {what}"
            self.deliver()
            self.poll()
            time.sleep(0.02)
        return seen

    def end(self, run_id: str) -> str:
        """Until the run has ended; how."""
        ends = ("succeeded", "failed", "cancelled")
        self.until(lambda: self.detail(run_id).run.status in ends, "the run had ended")
        return self.detail(run_id).run.status

    def stop(self, run_id: str) -> None:
        with self.services.works.writing() as work:
            service.cancel(work, self.services, run_id, "usr_1")

    def running(self, run_id: str, step: str = "prepare") -> CloudJob:
        """Until its job's program has said something."""
        self.until(lambda: self.log(run_id, step), f"{step} had written something")
        return self.job(run_id, step)

    def log(self, run_id: str, step: str = "prepare") -> list[str]:
        found = self.step(run_id, step)
        with self.services.works.telemetry_reading() as telemetry:
            lines = queries.log_lines(telemetry.session, run_id, found.id, max(1, found.attempt))
        return [line.text for line in lines]

    def points(self, run_id: str, step: str = "prepare") -> list[MetricPoint]:
        found = self.step(run_id, step)
        with self.services.works.telemetry_reading() as telemetry:
            return queries.metric_points(telemetry.session, run_id, found.id)

    def created(self, after: int = 0) -> list[str]:
        """The names of the jobs that AWS was asked to create, refusals left out."""
        return [
            next(value for key, value in call["request"].items() if key.endswith("JobName"))
            for call in self.simulator.calls(after)
            if call["operation"] in ("CreateProcessingJob", "CreateTrainingJob") and not call["code"]
        ]


def open_toys(settings: Settings, simulator: Simulator) -> AwsToys:
    inbox = Inbox()
    services = toy_services(open_services(settings), inbox)
    return AwsToys(services, inbox, simulator, set_up(services, simulator))
