"""Steps that run at AWS, worked off by processes that die: submitted, looked after, brought back."""

import time
from pathlib import Path

from sqlalchemy import select, update

from app.core.database import now
from app.core.services import Services
from app.integrations.aws.forms import CloudRequest
from app.integrations.aws.setup import save_settings
from app.runs.cloud.connecting import cloud_hosts
from app.runs.cloud.tables import CloudJob
from app.runs.launch import LaunchRequest, RunLauncher
from app.runs.messaging import CeleryMessenger
from app.runs.states import RUN_ENDS
from app.runs.tables import Run
from tests.programs.aws_toys import PATIENCE_SECONDS
from tests.programs.cloud import REGION, ROLE
from tests.programs.installation import toy_services
from tests.reliability import restarting
from workers.attempt import Stopping
from workers.cloud.polling import Poller

RUNS = 5


def prepare(home: Path) -> None:
    """Set up for the bucket that bears the home's name, and as many runs as the test asks for by it."""
    services = _open(home)
    bucket, _, pipeline = home.name.partition(".")
    with services.works.writing() as work:
        save_settings(work, restarting.SOMEBODY, CloudRequest(region=REGION, role_arn=ROLE, bucket=bucket))
    launcher = services.launcher
    assert isinstance(launcher, RunLauncher)
    for _ in range(RUNS if pipeline == "single" else 1):
        with services.works.writing() as work:
            launcher.start(work, LaunchRequest(pipeline, restarting.SOMEBODY, {}, compute="sagemaker"))


def act(home: Path) -> None:
    """One worker with its dispatcher, until nothing is ready."""
    services = _open(home)
    _let_time_pass(services)
    restarting.work_off(services, "armed")


def keep(home: Path) -> None:
    """Nothing but looks at jobs, until one has ended its step."""
    _keep_until_the_end(_open(home))


def recover(home: Path) -> None:
    services = _open(home)
    _let_time_pass(services)
    restarting.work_off(services, "sound")
    _keep_until_the_end(services)


def _keep_until_the_end(services: Services) -> None:
    hosts = cloud_hosts(services)
    poller = Poller(services, hosts, "keeper", Stopping(), threads=0, pause=0)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while _unfinished(services):
        assert time.monotonic() < deadline, f"not over: {_unfinished(services)}"
        _let_time_pass(services)
        poller.tick()
        restarting.work_off(services, "keeper")
        time.sleep(0.02)


def _unfinished(services: Services) -> list[int]:
    with services.works.reading() as work:
        return list(work.session.scalars(select(Run.number).where(Run.status.not_in(RUN_ENDS))))


def _let_time_pass(services: Services) -> None:
    """Also for whoever looked after a job and died."""
    restarting.let_time_pass(services)
    with services.works.writing() as work:
        still_open = update(CloudJob).where(CloudJob.ended_at.is_(None))
        work.session.execute(still_open.values(poll_until=None, poll_at=now(-1)))


def _open(home: Path) -> Services:
    return toy_services(restarting.open_at(home), CeleryMessenger("memory://"))
