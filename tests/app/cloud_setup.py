"""The cloud set up against the simulator, for tests of the features that stand there."""

from app.core.services import Services
from app.integrations.aws.forms import CloudRequest
from app.integrations.aws.setup import save_settings
from tests.programs.cloud import Simulator


def set_up(services: Services, simulator: Simulator, **more: str) -> CloudRequest:
    """With a bucket of the test's own."""
    wanted = CloudRequest(
        region=simulator.region,
        role_arn=simulator.role_arn,
        bucket=simulator.new_bucket(),
        prefix="shop",
        **more,  # type: ignore[arg-type]
    )
    with services.works.writing() as work:
        save_settings(work, "usr_1", wanted)
    return wanted
