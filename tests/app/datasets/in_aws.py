"""Shared by the tests of data sets in AWS: the cloud set up on the simulator, errands done here and now."""

from app.core.services import Services
from app.handlers import errand_doers
from app.integrations.aws.clients import forget_clients
from app.integrations.aws.forms import CloudRequest
from app.integrations.aws.setup import save_settings
from tests.programs.cloud import Simulator
from workers.errands import Errands


def set_up(services: Services, simulator: Simulator) -> str:
    """The bucket, one of this test's own."""
    forget_clients()
    bucket = simulator.new_bucket()
    # Glue is one for the whole simulator, and a database is named after the prefix.
    wanted = CloudRequest(
        region=simulator.region, role_arn=simulator.role_arn, bucket=bucket, prefix=f"fittingroom-{bucket}"
    )
    with services.works.writing() as work:
        save_settings(work, "usr_anna", wanted)
    return bucket


def do_errands(services: Services) -> int:
    """All that are due; answers how many there were."""
    worker = Errands(services, errand_doers(), "worker-1")
    done = 0
    while worker.do_one():
        done += 1
    return done
