"""Processing jobs: real containers, real inputs and outputs, ends of every kind."""

import json
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.programs.cloud import Simulator
from tests.simulator.scripts import IMAGE, processing_request, s3_input, s3_outputs

COUNTING = """
import json, os, pathlib, sys
root = os.environ["SIMULATED_ROOT"] + "/opt/ml"
told = json.load(open(root + "/config/resourceconfig.json"))
names = {each: sorted(os.listdir(f"{root}/processing/input/{each}")) for each in ("all", "some")}
out = pathlib.Path(root, "processing/output")
(out / told["current_host"]).mkdir()
(out / told["current_host"] / "seen.json").write_text(json.dumps({**told, **names, "words": sys.argv[1:]}))
print("host", told["current_host"], "has", len(names["some"]))
"""


def test_each_host_is_a_container_with_its_share(simulator: Simulator) -> None:
    """What is replicated every host has, what is sharded each object has one host."""
    bucket = simulator.new_bucket()
    for number in range(5):
        simulator.put(f"s3://{bucket}/in/part-{number}.csv", "x")
    request = processing_request(
        simulator,
        "counting",
        COUNTING,
        "--where",
        "/opt/ml/processing/output",
        "--there=/opt/ml/x",
        hosts=2,
        ProcessingInputs=[
            s3_input("all", f"s3://{bucket}/in/"),
            s3_input("some", f"s3://{bucket}/in/part-", "ShardedByS3Key"),
        ],
        ProcessingOutputConfig=s3_outputs(f"s3://{bucket}/out"),
        Tags=[{"Key": "run", "Value": "5"}],
    )
    arn = simulator.client("sagemaker").create_processing_job(**request)["ProcessingJobArn"]
    job = simulator.ended("processing", "counting")
    assert job["ProcessingJobStatus"] == "Completed", (job, simulator.log_lines("processing", "counting"))
    assert job["ProcessingJobArn"] == arn
    assert job["CreationTime"] <= job["ProcessingStartTime"] <= job["ProcessingEndTime"]
    assert job["ProcessingInputs"] == request["ProcessingInputs"]
    assert simulator.keys(f"s3://{bucket}/out/") == ["algo-1/seen.json", "algo-2/seen.json"]
    seen = [json.loads(simulator.read(f"s3://{bucket}/out/algo-{host}/seen.json")) for host in (1, 2)]
    assert [one["current_host"] for one in seen] == ["algo-1", "algo-2"]
    assert {tuple(one["hosts"]) for one in seen} == {("algo-1", "algo-2")}
    assert [len(one["all"]) for one in seen] == [5, 5]
    assert sorted(seen[0]["some"] + seen[1]["some"]) == [f"part-{number}.csv" for number in range(5)]
    words = seen[0]["words"]
    assert Path(words[1]).is_absolute()
    assert words[1].endswith("algo-1/opt/ml/processing/output")
    assert words[2].startswith("--there=/")
    assert words[2].endswith("algo-1/opt/ml/x")
    assert simulator.log_lines("processing", "counting") == ["host algo-1 has 3", "host algo-2 has 2"]
    tags = simulator.client("sagemaker").list_tags(ResourceArn=arn)["Tags"]
    assert tags == [{"Key": "run", "Value": "5"}]


FAILING = """
import os, pathlib, sys
print("about to fail", flush=True)
root = pathlib.Path(os.environ["SIMULATED_ROOT"], "opt/ml")
(root / "output/message").write_text("Nothing can be read." * 100)
(root / "processing/output/half").write_text("x")
sys.exit(3)
"""


@pytest.mark.parametrize(("mode", "left"), [("EndOfJob", []), ("Continuous", ["half"])])
def test_a_failing_program_says_why(simulator: Simulator, mode: str, left: list[str]) -> None:
    name = f"failing-{mode}"
    bucket = simulator.new_bucket()
    outputs = s3_outputs(f"s3://{bucket}/out", mode)
    request = processing_request(simulator, name, FAILING, ProcessingOutputConfig=outputs)
    simulator.client("sagemaker").create_processing_job(**request)
    job = simulator.ended("processing", name)
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["ExitMessage"] == ("Nothing can be read." * 100)[:1024]
    assert job["FailureReason"].startswith("AlgorithmError: Nothing can be read.")
    assert simulator.log_lines("processing", name) == ["about to fail"]
    assert simulator.keys(f"s3://{bucket}/out/") == left


def test_missing_data_is_the_customers_fault(simulator: Simulator) -> None:
    inputs = [s3_input("all", f"s3://{simulator.new_bucket()}/nothing")]
    request = processing_request(simulator, "no-data", "print(1)", ProcessingInputs=inputs)
    simulator.client("sagemaker").create_processing_job(**request)
    job = simulator.ended("processing", "no-data")
    assert job["ProcessingJobStatus"] == "Failed"
    assert "No S3 objects found under S3 URL" in job["FailureReason"]


WAITING = """
import os, signal, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
if "stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("pids", os.getpid(), child.pid, flush=True)
time.sleep(600)
"""


def pids_of(simulator: Simulator, name: str) -> list[int]:
    lines = simulator.until(
        lambda: simulator.log_lines("processing", name), lambda seen: any("pids" in line for line in seen)
    )
    return [int(word) for word in lines[0].split()[1:]]


def lives(pid: int) -> bool:
    """A zombie that nobody has waited for does not."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("manner", ["polite", "stubborn"])
def test_a_stop_ends_all_that_runs(simulator: Simulator, manner: str) -> None:
    """A program that ignores SIGTERM is killed after the grace time, and whatever it has started with it."""
    client = simulator.client("sagemaker")
    name = f"waiting-{manner}"
    client.create_processing_job(**processing_request(simulator, name, WAITING, manner))
    pids = pids_of(simulator, name)
    client.stop_processing_job(ProcessingJobName=name)
    with simulator.grace(0):
        job = simulator.ended("processing", name)
    assert job["ProcessingJobStatus"] == "Stopped"
    assert [pid for pid in pids if lives(pid)] == []
    with pytest.raises(ClientError, match="The request was rejected because the processing job is in status"):
        client.stop_processing_job(ProcessingJobName=name)


def test_a_broken_machine_fails_the_job(simulator: Simulator) -> None:
    client = simulator.client("sagemaker")
    client.create_processing_job(**processing_request(simulator, "broken", WAITING, "stubborn"))
    pids = pids_of(simulator, "broken")
    with pytest.raises(ClientError, match="is in status InProgress"):
        client.delete_processing_job(ProcessingJobName="broken")
    assert simulator.break_down("broken", "InternalServerError: We encountered an internal error.")
    job = simulator.ended("processing", "broken")
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"] == "InternalServerError: We encountered an internal error."
    assert [pid for pid in pids if lives(pid)] == []
    assert not simulator.break_down("broken", "again")


def test_a_job_ends_when_its_time_is_up(simulator: Simulator) -> None:
    limit = {"MaxRuntimeInSeconds": 1}
    request = processing_request(simulator, "too-long", WAITING, StoppingCondition=limit)
    simulator.client("sagemaker").create_processing_job(**request)
    assert simulator.ended("processing", "too-long")["ProcessingJobStatus"] == "Stopped"


def test_a_name_is_given_once_and_lists_have_pages(simulator: Simulator) -> None:
    client = simulator.client("sagemaker")
    requests = [processing_request(simulator, f"listed-{number}", "print(1)") for number in range(3)]
    for request in requests:
        client.create_processing_job(**request)
    with pytest.raises(ClientError, match="Job name must be unique") as error:
        client.create_processing_job(**requests[0])
    assert error.value.response["Error"]["Code"] == "ResourceInUse"
    pages = client.get_paginator("list_processing_jobs").paginate(
        NameContains="listed-", SortBy="Name", SortOrder="Ascending", PaginationConfig={"PageSize": 2}
    )
    found = [[job["ProcessingJobName"] for job in page["ProcessingJobSummaries"]] for page in pages]
    assert found == [["listed-0", "listed-1"], ["listed-2"]]
    simulator.ended("processing", "listed-0")
    client.delete_processing_job(ProcessingJobName="listed-0")
    with pytest.raises(ClientError, match="Could not find requested job with name: listed-0"):
        client.describe_processing_job(ProcessingJobName="listed-0")


def test_a_container_has_its_own_world(simulator: Simulator) -> None:
    """Nothing of the machine's environment, no checkout, and S3 by the credentials that it is given."""
    program = """
import importlib.util, os
import boto3
print("home", os.environ["HOME"] == os.environ["SIMULATED_ROOT"])
print("secret", os.environ.get("FITTINGROOM_HOME", os.environ.get("AWS_PROFILE", "none")))
print("mine", os.environ["COLOUR"])
print("checkout", importlib.util.find_spec("workers"))
print("buckets", "mine-alone" in [each["Name"] for each in boto3.client("s3").list_buckets()["Buckets"]])
"""
    simulator.client("s3").create_bucket(Bucket="mine-alone")
    request = processing_request(simulator, "world", program, Environment={"COLOUR": "green"})
    simulator.client("sagemaker").create_processing_job(**request)
    job = simulator.ended("processing", "world")
    lines = simulator.log_lines("processing", "world")
    assert job["ProcessingJobStatus"] == "Completed", lines
    assert lines == ["home True", "secret none", "mine green", "checkout None", "buckets True"]
    assert job["AppSpecification"]["ImageUri"] == IMAGE


def test_a_request_that_the_service_would_refuse(simulator: Simulator) -> None:
    request = processing_request(simulator, "refused", "print(1)")
    request["ProcessingResources"]["ClusterConfig"]["InstanceType"] = "ml.none.large"
    before = simulator.mark()
    with pytest.raises(ClientError, match=r"processingResources.clusterConfig.instanceType.*enum value set"):
        simulator.client("sagemaker").create_processing_job(**request)
    assert [call["code"] for call in simulator.calls(before)] == ["ValidationException"]
