"""With the simulator in place of AWS no request of ours leaves this machine.

Programs run under tests/programs/only_loopback, which hears the interpreter's own events and ends whoever
connects to, or even looks up, anything else. AWS's SDK runs under it in tests/simulator/test_foreign_clients.
"""

import os
import subprocess
import sys
from pathlib import Path

from app.core.services import Services
from app.integrations.aws import queries
from app.integrations.aws.forms import CloudRequest
from app.integrations.aws.resources import note_resource
from tests.programs.cloud import ROOT, Simulator

GUARD = ROOT / "tests/programs/only_loopback"
ENDED = 97  # the guard's exit status


def guarded(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": f"{GUARD}{os.pathsep}{ROOT}", **variables}
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True
    )


def variables_of(services: Services, endpoint: str) -> dict[str, str]:
    return {
        "FITTINGROOM_HOME": str(services.settings.home),
        "DATABASE_URL": services.settings.database_url or "",
        "FITTINGROOM_AWS_ENDPOINT": endpoint,
    }


def test_checking_comparing_and_deleting_speak_to_nobody_else(
    services: Services, cloud: CloudRequest, simulator: Simulator
) -> None:
    place = simulator.put(f"s3://{cloud.bucket}/shop/code/1/start.py", "x")
    with services.works.writing() as work:
        below = place.removesuffix("1/start.py")
        note_resource(work, "s3-prefix", below, region=simulator.region, subject_id=None)
    mark = simulator.mark()
    done = guarded("-m", "tests.programs.cloud_errands", **variables_of(services, simulator.endpoint))
    assert done.returncode == 0, done.stderr[-3000:]
    assert len(simulator.calls(mark)) > 20, "it did speak to the simulator"
    assert simulator.keys(f"s3://{cloud.bucket}/") == []
    with services.works.reading() as work:
        assert queries.standing(work.session) == []


def test_without_the_simulators_address_the_same_program_is_caught(
    services: Services, cloud: CloudRequest, tmp_path: Path
) -> None:
    """Else the test above could not fail."""
    done = guarded("-m", "tests.programs.cloud_errands", **variables_of(services, ""))
    assert done.returncode == ENDED
    assert "amazonaws.com" in done.stderr
