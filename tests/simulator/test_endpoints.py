"""Endpoints: containers that really answer, updates without a gap, errors as the runtime tells them."""

import io
import json
import tarfile
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.programs.cloud import Simulator, split

SERVER = """
import json, os, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/ping" else 404)
        self.end_headers()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        words = {"said": body, "model": os.environ["MODEL"], "accept": self.headers["Accept"],
                 "type": self.headers["Content-Type"], "pid": os.getpid(),
                 "attributes": self.headers.get("X-Amzn-SageMaker-Custom-Attributes")}
        if body == "sleep":
            time.sleep(600)
        if body.startswith("wait "):
            open(body[5:] + ".begun", "w").close()
            while not os.path.exists(body[5:]):
                time.sleep(0.02)
        if body == "die":
            os._exit(1)
        self.send_response(int(body) if body.isdigit() else 200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(words).encode())

print("serving", os.environ["MODEL"], flush=True)
ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""
BROKEN = "raise SystemExit('no weights')"
DEAF = SERVER.replace('200 if self.path == "/ping" else 404', "503")


def packed(program: str, name: str = "code/serve.py") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(program.encode())
        archive.addfile(member, io.BytesIO(program.encode()))
    return buffer.getvalue()


def model(simulator: Simulator, name: str, program: str = SERVER) -> str:
    uri = simulator.put(f"s3://{simulator.new_bucket()}/model.tar.gz", packed(program))
    container = {"Image": "image", "ModelDataUrl": uri, "Environment": {"MODEL": name}}
    simulator.client("sagemaker").create_model(
        ModelName=name, PrimaryContainer=container, ExecutionRoleArn=simulator.role_arn
    )
    return name


def config(simulator: Simulator, name: str, **weights: float) -> str:
    """A variant for each model, named like it."""
    variants = [
        {
            "VariantName": each,
            "ModelName": each,
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 1,
            "InitialVariantWeight": weight,
        }
        for each, weight in weights.items()
    ]
    simulator.client("sagemaker").create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants)
    return name


def settled(simulator: Simulator, name: str) -> dict[str, Any]:
    client = simulator.client("sagemaker")
    return dict(
        simulator.until(
            lambda: client.describe_endpoint(EndpointName=name),
            lambda found: found["EndpointStatus"] in ("InService", "Failed"),
        )
    )


def gone(simulator: Simulator, name: str) -> None:
    client = simulator.client("sagemaker")
    client.delete_endpoint(EndpointName=name)
    simulator.until(
        lambda: [each["EndpointName"] for each in client.list_endpoints()["Endpoints"]],
        lambda names: name not in names,
    )


def ask(simulator: Simulator, name: str, body: str, **words: Any) -> dict[str, Any]:
    answer = simulator.client("sagemaker-runtime").invoke_endpoint(EndpointName=name, Body=body, **words)
    return {**json.loads(answer["Body"].read()), "variant": answer["InvokedProductionVariant"]}


def test_from_an_archive_to_an_answer_and_an_end(simulator: Simulator) -> None:
    client = simulator.client("sagemaker")
    config(simulator, "plain", **{model(simulator, "plain-a"): 1})
    made = client.create_endpoint(EndpointName="plain", EndpointConfigName="plain")
    assert client.describe_endpoint(EndpointName="plain")["EndpointStatus"] in ("Creating", "InService")
    found = settled(simulator, "plain")
    assert (found["EndpointStatus"], found["EndpointArn"]) == ("InService", made["EndpointArn"])
    assert found["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    words = {"ContentType": "text/csv", "Accept": "application/json", "CustomAttributes": "a=b"}
    answer = ask(simulator, "plain", "hello", **words)
    pid = answer.pop("pid")
    assert answer == {
        "said": "hello",
        "model": "plain-a",
        "type": "text/csv",
        "accept": "application/json",
        "attributes": "a=b",
        "variant": "plain-a",
    }
    logs = simulator.client("logs")
    group = {"logGroupName": "/aws/sagemaker/Endpoints/plain"}
    streams = simulator.until(lambda: logs.describe_log_streams(**group)["logStreams"], len)
    name = streams[0]["logStreamName"]
    assert name.startswith("plain-a/i-")
    lines = simulator.until(lambda: logs.get_log_events(**group, logStreamName=name)["events"], len)
    assert lines[0]["message"] == "serving plain-a"

    with pytest.raises(ClientError, match="Cannot create already existing endpoint"):
        client.create_endpoint(EndpointName="plain", EndpointConfigName="plain")
    gone(simulator, "plain")
    assert not is_running(pid)
    with pytest.raises(ClientError, match="Could not find endpoint"):
        client.describe_endpoint(EndpointName="plain")
    with pytest.raises(ClientError, match=r"ValidationError.*plain of account 123456789012 not found"):
        ask(simulator, "plain", "hello")


def is_running(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_traffic_goes_by_weight_or_to_the_variant_that_is_named(simulator: Simulator) -> None:
    client = simulator.client("sagemaker")
    config(simulator, "split", **{model(simulator, "split-a"): 1, model(simulator, "split-b"): 0})
    client.create_endpoint(EndpointName="split", EndpointConfigName="split")
    settled(simulator, "split")
    seen = Counter(ask(simulator, "split", "x")["variant"] for _ in range(20))
    assert seen == {"split-a": 20}
    assert ask(simulator, "split", "x", TargetVariant="split-b")["model"] == "split-b"
    with pytest.raises(ClientError, match="Variant nobody not found"):
        ask(simulator, "split", "x", TargetVariant="nobody")
    client.update_endpoint_weights_and_capacities(
        EndpointName="split",
        DesiredWeightsAndCapacities=[
            {"VariantName": "split-a", "DesiredWeight": 0},
            {"VariantName": "split-b", "DesiredWeight": 1},
        ],
    )
    assert ask(simulator, "split", "x")["variant"] == "split-b"
    gone(simulator, "split")


def test_an_update_takes_over_without_a_gap_and_a_bad_one_changes_nothing(simulator: Simulator) -> None:
    client = simulator.client("sagemaker")
    config(simulator, "change-1", **{model(simulator, "change-a"): 1})
    config(simulator, "change-2", **{model(simulator, "change-b"): 1})
    config(simulator, "change-3", **{model(simulator, "change-c", BROKEN): 1})
    client.create_endpoint(EndpointName="change", EndpointConfigName="change-1")
    settled(simulator, "change")
    old = ask(simulator, "change", "x")["pid"]
    client.update_endpoint(EndpointName="change", EndpointConfigName="change-2")
    models = []
    while client.describe_endpoint(EndpointName="change")["EndpointStatus"] == "Updating":
        models.append(ask(simulator, "change", "x")["model"])
    assert set(models) <= {"change-a", "change-b"}
    assert ask(simulator, "change", "x")["model"] == "change-b"
    simulator.until(lambda: is_running(old), lambda running: not running)

    client.update_endpoint(EndpointName="change", EndpointConfigName="change-3")
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        client.update_endpoint(EndpointName="change", EndpointConfigName="change-1")
    found = settled(simulator, "change")
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", "change-2")
    assert "did not pass the ping health check" in found["FailureReason"]
    assert ask(simulator, "change", "x")["model"] == "change-b"
    gone(simulator, "change")


def no_archive(simulator: Simulator, uri: str) -> None:
    bucket, key = split(uri)
    simulator.client("s3").delete_object(Bucket=bucket, Key=key)


def test_what_was_asked_before_an_update_is_still_answered(simulator: Simulator, tmp_path: Path) -> None:
    client = simulator.client("sagemaker")
    config(simulator, "drain-1", **{model(simulator, "drain-a"): 1})
    config(simulator, "drain-2", **{model(simulator, "drain-b"): 1})
    client.create_endpoint(EndpointName="drain", EndpointConfigName="drain-1")
    settled(simulator, "drain")
    go, begun = tmp_path / "go", tmp_path / "go.begun"
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ask, simulator, "drain", f"wait {go}")
        simulator.until(begun.exists, bool)
        client.update_endpoint(EndpointName="drain", EndpointConfigName="drain-2")
        settled(simulator, "drain")
        assert ask(simulator, "drain", "x")["model"] == "drain-b"
        go.touch()
        answer = waiting.result()
    assert answer["model"] == "drain-a"
    simulator.until(lambda: is_running(answer["pid"]), lambda running: not running)
    gone(simulator, "drain")


def forget(simulator: Simulator, name: str) -> None:
    simulator.client("sagemaker").delete_model(ModelName=name)


@pytest.mark.parametrize(
    ("name", "spoil", "reason"),
    [
        ("ended", None, "The primary container for production variant ended did not pass the ping"),
        ("empty", lambda simulator, uri: simulator.put(uri, packed("", "x")), "The model archive has no"),
        ("absent", no_archive, 'Failed to download model data for container "container_1" from URL'),
        ("forgotten", lambda simulator, uri: forget(simulator, "forgotten"), "Could not find model"),
        ("damaged", lambda simulator, uri: simulator.put(uri, b"x"), "Failed to download model data"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " not in value else "",
)
def test_what_cannot_serve_fails_with_the_reason(
    simulator: Simulator, name: str, spoil: Callable[[Simulator, str], Any] | None, reason: str
) -> None:
    client = simulator.client("sagemaker")
    config(simulator, name, **{model(simulator, name, BROKEN): 1})
    if spoil:
        spoil(simulator, client.describe_model(ModelName=name)["PrimaryContainer"]["ModelDataUrl"])
    client.create_endpoint(EndpointName=name, EndpointConfigName=name)
    found = settled(simulator, name)
    assert found["EndpointStatus"] == "Failed"
    assert found["FailureReason"].startswith(reason)
    with pytest.raises(ClientError, match="not found"):
        ask(simulator, name, "x")
    with pytest.raises(ClientError, match="because its status is Failed"):
        client.update_endpoint(EndpointName=name, EndpointConfigName=name)
    gone(simulator, name)


def test_an_endpoint_that_never_gets_ready_can_be_deleted(simulator: Simulator) -> None:
    client = simulator.client("sagemaker")
    config(simulator, "deaf", **{model(simulator, "deaf-a", DEAF): 1})
    client.create_endpoint(EndpointName="deaf", EndpointConfigName="deaf")
    assert client.describe_endpoint(EndpointName="deaf")["EndpointStatus"] == "Creating"
    gone(simulator, "deaf")


def test_what_the_container_refuses_is_a_model_error(simulator: Simulator) -> None:
    client = simulator.client("sagemaker")
    config(simulator, "erring", **{model(simulator, "erring-a"): 1})
    client.create_endpoint(EndpointName="erring", EndpointConfigName="erring")
    settled(simulator, "erring")
    for status, whose in ((400, "client"), (503, "server")):
        with pytest.raises(ClientError) as error:
            ask(simulator, "erring", str(status))
        answer = error.value.response
        assert (answer["Error"]["Code"], answer["OriginalStatusCode"]) == ("ModelError", status)
        assert f"Received {whose} error ({status}) from primary with message" in answer["Error"]["Message"]
        assert json.loads(answer["OriginalMessage"])["said"] == str(status)

    simulator.order("settings", {"invocation_seconds": 1})
    with pytest.raises(ClientError, match="Your invocation timed out"):
        ask(simulator, "erring", "sleep")
    simulator.order("settings", {"invocation_seconds": 60})

    with pytest.raises(ClientError, match="ModelError"):
        ask(simulator, "erring", "die")
    answer = simulator.until(lambda: answered(simulator, "erring"), bool)
    assert answer["said"] == "back"
    gone(simulator, "erring")


def answered(simulator: Simulator, name: str) -> dict[str, Any]:
    """Nothing while the container is started again."""
    try:
        return ask(simulator, name, "back")
    except ClientError:
        return {}


def test_a_model_is_checked_when_it_is_made(simulator: Simulator) -> None:
    client = simulator.client("sagemaker")
    role = simulator.role_arn

    def create(**container: Any) -> None:
        client.create_model(ModelName="checked", PrimaryContainer=container, ExecutionRoleArn=role)

    with pytest.raises(ClientError, match="Could not find model data at s3://nowhere/x"):
        create(Image="image", ModelDataUrl="s3://nowhere/x.tar.gz")
    client.create_model_package_group(ModelPackageGroupName="models")
    specification = {
        "Containers": [{"Image": "from-package"}],
        "SupportedContentTypes": ["a/b"],
        "SupportedResponseMIMETypes": ["a/b"],
    }
    package = client.create_model_package(
        ModelPackageGroupName="models", InferenceSpecification=specification
    )["ModelPackageArn"]
    with pytest.raises(ClientError, match="its status is PendingManualApproval"):
        create(ModelPackageName=package)
    client.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    create(ModelPackageName=package)
    with pytest.raises(ClientError, match="Cannot create already existing model"):
        create(ModelPackageName=package)
    assert [each["ModelName"] for each in client.list_models(NameContains="checked")["Models"]] == ["checked"]
    client.delete_model(ModelName="checked")
    with pytest.raises(ClientError, match="Could not find model"):
        client.describe_model(ModelName="checked")


def test_configurations_name_models_that_are_there(simulator: Simulator) -> None:
    client = simulator.client("sagemaker")
    with pytest.raises(ClientError, match="Could not find model"):
        config(simulator, "wishes", nobody=1)
    config(simulator, "wishes", **{model(simulator, "wishes-a"): 1})
    with pytest.raises(ClientError, match="already existing endpoint configuration"):
        config(simulator, "wishes", **{"wishes-a": 1})
    found = client.describe_endpoint_config(EndpointConfigName="wishes")
    assert found["ProductionVariants"][0]["ModelName"] == "wishes-a"
    client.delete_endpoint_config(EndpointConfigName="wishes")
    with pytest.raises(ClientError, match="Could not find endpoint configuration"):
        client.create_endpoint(EndpointName="wishes", EndpointConfigName="wishes")
