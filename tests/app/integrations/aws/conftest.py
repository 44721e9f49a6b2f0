"""A cloud that is set up against the simulator, and the hand in which a worker does an errand there."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from app.core.services import Services
from app.integrations.aws.forms import CloudRequest
from app.integrations.aws.setup import save_settings
from app.integrations.errands import queries
from app.integrations.errands.doing import Call, Doer
from tests.programs.cloud import Simulator

Doing = Callable[..., Mapping[str, Any]]


@pytest.fixture
def cloud(services: Services, simulator: Simulator) -> CloudRequest:
    """What an administrator has entered, with a bucket of the test's own."""
    services.settings.aws_endpoint = simulator.endpoint
    wanted = CloudRequest(
        region=simulator.region, role_arn=simulator.role_arn, bucket=simulator.new_bucket(), prefix="shop"
    )
    with services.works.writing() as work:
        save_settings(work, "usr_1", wanted)
    return wanted


@pytest.fixture
def doing(services: Services) -> Doing:
    """``doing(check)``, or ``doing(delete_resources, errand)`` with what was ordered."""

    def done(doer: Doer, errand_id: str = "") -> Mapping[str, Any]:
        details: Mapping[str, Any] = {}
        if errand_id:
            with services.works.reading() as work:
                errand = queries.errand_by_id(work.session, errand_id)
                details = errand.details if errand else {}
        call = Call(errand_id, "in_1", "usr_1", details, lambda *_: None, lambda _: time.sleep(1))
        return doer(services, call)

    return done
