"""The simulator driven by clients that we did not write: AWS's SDK and awswrangler, in their own environment.

What these understand of the service is not our own reading of it.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.programs.cloud import Simulator
from tests.programs.sdk import run_with_sdk, sdk_environment
from tests.simulator.scripts import IMAGE

CLIENTS = Path(__file__).parent / "clients"
PROGRAMS = {
    "double": """
import json, os, pathlib, sys, time
root = pathlib.Path(os.environ["SIMULATED_ROOT"], "opt/ml/processing")
if int(sys.argv[1]) < 0:
    time.sleep(600)
print("doubling", sys.argv[1])
(root / "output/result.json").write_text(json.dumps({"value": 2 * int(sys.argv[1])}))
""",
    "add_one": """
import json, os, pathlib, sys
root = pathlib.Path(os.environ["SIMULATED_ROOT"], "opt/ml/processing")
if sys.argv[1] == "fail":
    raise SystemExit("it was asked to fail")
value = json.loads((root / "input/first/result.json").read_text())["value"] + 1
(root / "output/result.json").write_text(json.dumps({"numbers": [{"value": value}]}))
""",
}


def driven(simulator: Simulator, script: str, home: Path, **facts: Any) -> tuple[Any, str]:
    """What the client saw, and everything that it printed before."""
    environment = sdk_environment(home, simulator.endpoint)
    written = run_with_sdk(CLIENTS / script, environment, json.dumps(facts))
    before, _, last = written.rstrip().rpartition("\n")
    return json.loads(last), before


@pytest.fixture(scope="module")
def sdk(simulator_server: Simulator, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, str]:
    """Once for all: importing the SDK alone takes seconds."""
    place = f"s3://{simulator_server.new_bucket()}"
    code = {
        name: simulator_server.put(f"{place}/code/{name}/program.py", program)
        for name, program in PROGRAMS.items()
    }
    facts = {"place": place, "code": code, "role": simulator_server.role_arn, "image": IMAGE}
    return driven(simulator_server, "sdk.py", tmp_path_factory.mktemp("sdk"), **facts)


def test_the_sdks_processor_runs_a_job_and_shows_its_log(simulator: Simulator, sdk: tuple[Any, str]) -> None:
    seen, printed = sdk
    job = simulator.job("processing", seen["processor"]["job"])
    assert job["ProcessingJobStatus"] == "Completed"
    assert json.loads(simulator.read(seen["processor"]["output"])) == {"value": 42}
    assert "doubling 21" in printed


def test_the_sdks_pipeline_is_created_updated_and_run(simulator: Simulator, sdk: tuple[Any, str]) -> None:
    made = sdk[0]["pipeline"]
    assert made["arns"][0] == made["arns"][1]
    assert made["executions"] == 4
    plain = made["runs"]["plain"]
    assert plain["status"] == "Succeeded"
    assert set(plain["steps"]) == {"First", "Second", "Check"}
    assert plain["steps"]["Check"]["Metadata"]["Condition"]["Outcome"] == "True"
    job = plain["steps"]["Second"]["Metadata"]["ProcessingJob"]["Arn"].rpartition("/")[2]
    output = simulator.job("processing", job)["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"]
    assert output.endswith("/pipeline/second")


def test_the_sdks_cache_condition_and_fail_step(sdk: tuple[Any, str]) -> None:
    runs = sdk[0]["pipeline"]["runs"]
    again = runs["again"]
    assert again["status"] == "Failed"
    assert again["steps"]["First"]["CacheHitResult"]["SourcePipelineExecutionArn"] == runs["plain"]["arn"]
    assert "CacheHitResult" not in again["steps"]["Second"]
    assert again["steps"]["TooLow"]["FailureReason"] == "less than 100.0"


def test_the_sdk_sees_failures_and_stops(sdk: tuple[Any, str]) -> None:
    runs = sdk[0]["pipeline"]["runs"]
    assert runs["broken"]["status"] == "Failed"
    assert "CacheHitResult" not in runs["broken"]["steps"]["First"]
    assert runs["broken"]["steps"]["Second"]["FailureReason"].startswith("ClientError: AlgorithmError")
    assert "Check" not in runs["broken"]["steps"]
    assert runs["stopped"]["status"] == "Stopped"
    assert runs["stopped"]["steps"]["First"]["StepStatus"] == "Stopped"


def test_awswrangler_writes_registers_and_asks(simulator: Simulator, tmp_path: Path) -> None:
    seen, _ = driven(simulator, "wrangler.py", tmp_path, place=f"s3://{simulator.new_bucket()}")
    assert seen["grouped"] == [
        {"product_category": "Dresses", "reviews": 3, "mean": 1 / 3},
        {"product_category": "Knits", "reviews": 1, "mean": 0.0},
    ]
    assert seen["types"]["sentiment"] == "Int64"
    assert seen["types"]["price"] == "float64"
    assert seen["texts"] == ["soft, warm", 'it is "fine"', "torn", None]
    assert seen["prices"] == [1.5, None, 1e-7, 2.0]
    assert seen["days"] == ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"]
    assert seen["chunks"] == [3, 1]
    assert seen["scanned"] > 1000
    assert "COLUMN_NOT_FOUND: line 1:8: Column 'nobody' cannot be resolved" in seen["refused"]
    assert "NOT_SUPPORTED: the simulator runs a single SELECT; no DDL, no CTAS" in seen["ctas"]


@pytest.mark.parametrize(
    "reach",
    ["socket.create_connection(('192.0.2.1', 80), 1)", "socket.getaddrinfo('telemetry.example', 80)"],
    ids=["address", "name"],
)
def test_these_clients_reach_nothing_but_this_machine(tmp_path: Path, reach: str) -> None:
    """Even where whoever asks swallows every exception, as the SDK's telemetry does."""
    script = tmp_path / "curious.py"
    script.write_text(f"import socket\ntry:\n    {reach}\nexcept BaseException:\n    pass\n")
    with pytest.raises(AssertionError, match="only loopback is allowed"):
        run_with_sdk(script, sdk_environment(tmp_path))
