"""Training jobs: the container's contract, what is taken away, metrics, stops, spot machines, checkpoints."""

import io
import json
import tarfile

import pytest
from botocore.exceptions import ClientError

from tests.programs.cloud import Simulator
from tests.simulator.scripts import channel, training_request


def members(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        return {each.name: opened.extractfile(each).read() for each in opened}  # type: ignore[union-attr]


LEARNING = """
import json, os, pathlib, sys
root = pathlib.Path(os.environ["SIMULATED_ROOT"], "opt/ml")
config = {path.stem: json.loads(path.read_text()) for path in (root / "input/config").iterdir()}
host = config["resourceconfig"]["current_host"]
data = sorted(path.name for path in (root / "input/data/train").iterdir())
(root / "model/code").mkdir()
(root / "model/code/inference.py").write_text("# serves")
(root / "model" / f"{host}.bin").write_bytes(b"weights")
seen = {**config, "data": data, "job": os.environ["TRAINING_JOB_NAME"], "words": sys.argv[1:]}
(root / f"output/data/{host}.json").write_text(json.dumps(seen))
for step in (1, 2):
    print(f"step {step} val_loss: {1 / step} val_acc: 0.{step}5", flush=True)
print("val_loss: nan")
"""
METRICS = [
    {"Name": "validation:loss", "Regex": "val_loss: ([0-9.]+)"},
    {"Name": "validation:accuracy", "Regex": "val_acc: ([0-9.]+)"},
]


def test_the_contract_of_a_training_container(simulator: Simulator) -> None:
    bucket = simulator.new_bucket()
    for number in range(3):
        simulator.put(f"s3://{bucket}/train/part-{number}", "x")
    request = training_request(
        simulator,
        "learning",
        LEARNING,
        "--epochs",
        "3",
        hosts=2,
        HyperParameters={"learning_rate": "1e-5", "texts": '"quoted"'},
        InputDataConfig=[channel("train", f"s3://{bucket}/train/", "ShardedByS3Key")],
        AlgorithmSpecification={"MetricDefinitions": METRICS},
    )
    client = simulator.client("sagemaker")
    client.create_training_job(**request)
    job = simulator.ended("training", "learning")
    assert job["TrainingJobStatus"] == "Completed", (job, simulator.log_lines("training", "learning"))
    place = f"{request['OutputDataConfig']['S3OutputPath']}/learning/output"
    assert job["ModelArtifacts"] == {"S3ModelArtifacts": f"{place}/model.tar.gz"}
    model = members(simulator.read(f"{place}/model.tar.gz"))
    assert sorted(model) == ["algo-1.bin", "algo-2.bin", "code/inference.py"]
    output = {
        name: json.loads(text) for name, text in members(simulator.read(f"{place}/output.tar.gz")).items()
    }
    assert sorted(output) == ["algo-1.json", "algo-2.json"]
    first = output["algo-1.json"]
    assert first["hyperparameters"] == request["HyperParameters"]
    assert first["resourceconfig"]["current_host"] == "algo-1"
    assert first["resourceconfig"]["hosts"] == ["algo-1", "algo-2"]
    assert first["resourceconfig"]["current_instance_type"] == "ml.c5.xlarge"
    assert sorted(first["inputdataconfig"]) == ["code", "train"]
    assert first["inputdataconfig"]["train"]["S3DistributionType"] == "ShardedByS3Key"
    assert (first["job"], first["words"]) == ("learning", ["--epochs", "3"])
    assert (first["data"], output["algo-2.json"]["data"]) == (["part-0", "part-2"], ["part-1"])
    told = {each["MetricName"]: each["Value"] for each in job["FinalMetricDataList"]}
    assert told["validation:loss"] == pytest.approx(0.5)
    assert told["validation:accuracy"] == pytest.approx(0.25)
    moves = [each["Status"] for each in job["SecondaryStatusTransitions"]]
    assert moves == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert job["SecondaryStatus"] == "Completed"
    assert job["BillableTimeInSeconds"] == job["TrainingTimeInSeconds"] >= 1
    found = client.list_training_jobs(NameContains="learning", StatusEquals="Completed")
    assert [one["TrainingJobName"] for one in found["TrainingJobSummaries"]] == ["learning"]
    assert (
        client.list_training_jobs(NameContains="learning", StatusEquals="Failed")["TrainingJobSummaries"]
        == []
    )
    with pytest.raises(ClientError, match="Training job names must be unique") as error:
        client.create_training_job(**request)
    assert error.value.response["Error"]["Code"] == "ResourceInUse"


def test_a_failure_file_is_the_reason(simulator: Simulator) -> None:
    program = """
import os, pathlib, sys
root = pathlib.Path(os.environ["SIMULATED_ROOT"], "opt/ml")
(root / "model/half").write_text("x")
(root / "output/data/log").write_text("y")
(root / "output/failure").write_text("The loss is not a number. " * 100)
sys.exit(1)
"""
    request = training_request(simulator, "failing", program)
    simulator.client("sagemaker").create_training_job(**request)
    job = simulator.ended("training", "failing")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Failed", "Failed")
    assert job["FailureReason"].startswith("AlgorithmError: The loss is not a number. The loss")
    assert job["FailureReason"].endswith(", exit code: 1")
    assert len(job["FailureReason"]) == 1024
    place = f"{request['OutputDataConfig']['S3OutputPath']}/failing/output/"
    assert simulator.keys(place) == ["output.tar.gz"]


RESUMING = """
import os, pathlib, signal, sys, time
root = pathlib.Path(os.environ["SIMULATED_ROOT"], "opt/ml")
note = root / "checkpoints/epoch"
done = int(note.read_text()) if note.exists() else 0
print("resumed from", done, flush=True)

def asked(number, frame):
    print("asked to end", flush=True)
    (root / "model/weights").write_text(f"of epoch {done}")
    sys.exit(0)

signal.signal(signal.SIGTERM, asked)
note.write_text(str(done + 1))
done += 1
(root / "model/weights").write_text(f"of epoch {done}")
print("epoch", done, flush=True)
if done < 2 or "forever" in sys.argv:
    time.sleep(600)
"""


def until_line(simulator: Simulator, name: str, line: str) -> list[str]:
    return list(simulator.until(lambda: simulator.log_lines("training", name), lambda seen: line in seen))


def test_spot_machines_taken_away_cost_no_epoch(simulator: Simulator) -> None:
    """The checkpoint comes back on the next machine, and what was not computed is not billed."""
    bucket = simulator.new_bucket()
    request = training_request(
        simulator,
        "spot",
        RESUMING,
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 900},
        CheckpointConfig={"S3Uri": f"s3://{bucket}/checkpoints"},
    )
    simulator.client("sagemaker").create_training_job(**request)
    until_line(simulator, "spot", "epoch 1")
    assert simulator.interrupt("spot")
    job = simulator.ended("training", "spot")
    assert job["TrainingJobStatus"] == "Completed", (job, simulator.log_lines("training", "spot"))
    assert [each["Status"] for each in job["SecondaryStatusTransitions"]] == [
        *("Starting", "Downloading", "Training", "Interrupted"),
        *("Starting", "Downloading", "Training", "Uploading", "Completed"),
    ]
    lines = simulator.log_lines("training", "spot")
    assert lines == ["resumed from 0", "epoch 1", "asked to end", "resumed from 1", "epoch 2"]
    assert simulator.read(f"s3://{bucket}/checkpoints/epoch") == b"2"
    model = members(simulator.read(job["ModelArtifacts"]["S3ModelArtifacts"]))
    assert model == {"weights": b"of epoch 2"}
    assert job["BillableTimeInSeconds"] <= job["TrainingTimeInSeconds"]


def test_a_stop_overtakes_machines_that_are_being_taken_away(simulator: Simulator) -> None:
    program = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(600)
"""
    spot = {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 900}
    changes = {"EnableManagedSpotTraining": True, "StoppingCondition": spot}
    client = simulator.client("sagemaker")
    client.create_training_job(**training_request(simulator, "overtaken", program, **changes))
    until_line(simulator, "overtaken", "deaf")
    assert simulator.interrupt("overtaken")
    client.stop_training_job(TrainingJobName="overtaken")
    with simulator.grace(0):
        job = simulator.ended("training", "overtaken")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert simulator.log_lines("training", "overtaken") == ["deaf"]


@pytest.mark.parametrize("way", ["stop", "time"])
def test_what_was_learnt_until_a_stop_is_kept(simulator: Simulator, way: str) -> None:
    name = f"ended-by-{way}"
    client = simulator.client("sagemaker")
    limit = {"MaxRuntimeInSeconds": 1 if way == "time" else 3600}
    request = training_request(simulator, name, RESUMING, "forever", StoppingCondition=limit)
    client.create_training_job(**request)
    if way == "stop":
        until_line(simulator, name, "epoch 1")
        client.stop_training_job(TrainingJobName=name)
    job = simulator.ended("training", name)
    assert job["TrainingJobStatus"] == "Stopped"
    last = {"stop": "Stopped", "time": "MaxRuntimeExceeded"}[way]
    assert job["SecondaryStatus"] == job["SecondaryStatusTransitions"][-1]["Status"] == last
    assert not simulator.interrupt(name)
    with pytest.raises(ClientError, match="the training job is in status Stopped"):
        client.stop_training_job(TrainingJobName=name)
    if way == "stop":
        model = members(simulator.read(job["ModelArtifacts"]["S3ModelArtifacts"]))
        assert model == {"weights": b"of epoch 1"}


def test_what_the_service_would_refuse(simulator: Simulator) -> None:
    client = simulator.client("sagemaker")
    request = training_request(simulator, "refused", "print(1)", EnableManagedSpotTraining=True)
    with pytest.raises(ClientError, match="Invalid MaxWaitTimeInSeconds"):
        client.create_training_job(**request)
    request = training_request(simulator, "refused", "print(1)", HyperParameters={"x": "y" * 2501})
    with pytest.raises(ClientError, match="Member must have length less than or equal to 2500"):
        client.create_training_job(**request)
    with pytest.raises(ClientError, match=r"Requested resource not found\.") as error:
        client.describe_training_job(TrainingJobName="refused")
    assert error.value.response["Error"]["Code"] == "ValidationException"


def test_no_quota_for_an_instance_type(simulator: Simulator) -> None:
    """As often as a test asks; then the request is taken."""
    client = simulator.client("sagemaker")
    request = training_request(simulator, "no-quota", "print(1)")
    simulator.fail("CreateTrainingJob", "ResourceLimitExceeded", matching="no-quota")
    with pytest.raises(ClientError, match="account-level service limit") as error:
        client.create_training_job(**request)
    assert error.value.response["Error"]["Code"] == "ResourceLimitExceeded"
    client.create_training_job(**request)
    assert simulator.ended("training", "no-quota")["TrainingJobStatus"] == "Completed"
