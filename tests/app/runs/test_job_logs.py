"""A job's log in CloudWatch: several streams, each with a place of its own, page after page."""

import time

from app.core.services import Services
from app.integrations.aws.clients import Aws
from app.integrations.aws.config import config_of
from app.integrations.aws.forms import CloudRequest
from app.integrations.aws.setup import save_settings
from app.runs.cloud.job_logs import GROUPS, page_of
from tests.programs.cloud import Simulator

JOB = "fittingroom-1-prepare-1-of-the-logs"


def aws(simulator: Simulator, services: Services) -> Aws:
    wanted = CloudRequest(region=simulator.region, role_arn=simulator.role_arn, bucket="not-asked-for")
    with services.works.writing() as work:
        save_settings(work, "usr_1", wanted)
        config = config_of(work, services.settings)
    assert config is not None
    return Aws(config)


def write(simulator: Simulator, stream: str, *lines: str) -> None:
    logs, group = simulator.client("logs"), GROUPS["processing"]
    name = {"logGroupName": group, "logStreamName": f"{JOB}/{stream}"}
    for make in (lambda: logs.create_log_group(logGroupName=group), lambda: logs.create_log_stream(**name)):
        try:
            make()
        except logs.exceptions.ResourceAlreadyExistsException:
            continue
    now = int(time.time() * 1000)
    logs.put_log_events(**name, logEvents=[{"timestamp": now, "message": line} for line in lines])


def test_each_stream_goes_on_where_it_was(simulator: Simulator, services: Services) -> None:
    client = aws(simulator, services)
    assert page_of(client, "processing", JOB, {}).lines == []  # nothing is there yet, and that is no error
    write(simulator, "algo-1-1700000000", "first", "[metric] step=1 loss=0.5")
    write(simulator, "algo-2-1700000000", "beside it", "[metric] step=1 loss=0.7")
    page = page_of(client, "processing", JOB, {})
    # Figures are the first instance's: what the others say is told with their names, and read as text.
    assert page.lines == [
        "first",
        "[metric] step=1 loss=0.5",
        "[algo-2-1700000000] beside it",
        "[algo-2-1700000000] [metric] step=1 loss=0.7",
    ]
    assert page.more
    write(simulator, "algo-2-1700000000", "later")
    write(simulator, "algo-1-1700000999", "another machine in the place of the first")
    after = page_of(client, "processing", JOB, page.positions)
    assert after.lines == ["another machine in the place of the first", "[algo-2-1700000000] later"]
    nothing = page_of(client, "processing", JOB, after.positions)
    assert (nothing.lines, nothing.more) == ([], False)
