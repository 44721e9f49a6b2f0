"""Training jobs: the container's contract, model and output taken away, metrics, spot, checkpoints."""

import math
import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from simulator.containers import Container, inside
from simulator.core import Request, State, now
from simulator.jobs import (
    LONGEST_REASON,
    Failed,
    Job,
    Wish,
    discard,
    hosts,
    message_in,
    write_json,
)
from simulator.transfers import Mirror, Source, download, pack, send
from simulator.transfers import find as find_objects

A_DAY = 86_400
SPOT_SHARE = 0.3  # of the time that is billed on spot machines here; AWS's changes by the hour
MESSAGES = {
    "Starting": "Preparing the instances for training",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Interrupted": "The training job was interrupted: a spot instance was taken back",
    "Uploading": "Uploading generated training model",
    "Stopping": "Stopping the training job",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
}


class TrainingJob(Job):
    kind = "training-job"
    word = "training"
    log_group = "/aws/sagemaker/TrainingJobs"

    def __init__(self, state: State, name: str, request: Request) -> None:
        super().__init__(state, name, request)
        self.secondary = "Starting"
        self.transitions: list[dict[str, Any]] = []
        self.metrics: dict[str, tuple[float, datetime]] = {}
        self.spot = bool(request.get("EnableManagedSpotTraining"))
        specification = request["AlgorithmSpecification"]
        self._patterns = [
            (each["Name"], re.compile(each["Regex"])) for each in specification.get("MetricDefinitions", [])
        ]
        base = request["OutputDataConfig"]["S3OutputPath"].rstrip("/")
        self.output_uri = f"{base}/{name}/output"
        self._move("Starting")

    # --- its life ---------------------------------------------------------------------------------------

    def interrupt(self) -> bool:
        """False for a job whose machines are not spot ones."""
        return self.spot and self._want(Wish.INTERRUPTED)

    def stop(self) -> None:
        super().stop()
        with self.state.lock:
            if not self.over.is_set():
                self._move("Stopping")

    def _run(self) -> None:
        again = True
        while again:
            again = self._attempt()

    def _attempt(self) -> bool:
        """On machines of its own. True when they were taken away and the job begins again."""
        roots = self._roots(self.request["ResourceConfig"].get("InstanceCount", 1))
        try:
            self._move("Downloading")
            self._bring(roots)
            if self._wish is None:
                self._hold(roots)
            if self._taken_away():
                self._move("Interrupted")
                self._move("Starting")
                return True
            self._take(roots)
        finally:
            discard(roots)
        return False

    def _taken_away(self) -> bool:
        """Asked once: the next attempt has machines again."""
        with self._moved:
            taken = self._wish is Wish.INTERRUPTED
            self._wish = None if taken else self._wish
            return taken

    def _bring(self, roots: list[Path]) -> None:
        for channel in self.request.get("InputDataConfig", []):
            wanted = channel["DataSource"]["S3DataSource"]
            distribution = wanted.get("S3DataDistributionType", "FullyReplicated")
            source = Source(wanted["S3Uri"], wanted["S3DataType"], distribution)
            objects = find_objects(self.state, source)
            for host, root in enumerate(roots):
                place = root / "opt/ml/input/data" / channel["ChannelName"]
                download(self.state, source.part(objects, host, len(roots)), place)

    def _hold(self, roots: list[Path]) -> None:
        mirrors = [mirror for root in roots for mirror in self._checkpoints(root)]
        names = hosts(len(roots))
        containers = [self._container(root, host) for root, host in zip(roots, names, strict=True)]
        with self.state.lock:
            self.started = self.started or now()
        self._move("Training")
        limit = self.request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", A_DAY)
        spent = (now() - self.started).total_seconds()
        codes = self._attend(containers, self._observe, mirrors, limit - spent)
        if self._wish is Wish.BROKEN:
            raise Failed(self._broken_reason)
        if self._wish is None and any(codes):
            pack_output(self, roots)
            raise Failed(_reason(codes, roots))

    def _checkpoints(self, root: Path) -> Iterable[Mirror]:
        """What an earlier attempt left is there before the container starts."""
        config = self.request.get("CheckpointConfig")
        if config:
            place = Path(inside(root, config.get("LocalPath", "/opt/ml/checkpoints")))
            place.mkdir(parents=True, exist_ok=True)
            mirror = Mirror(self.state, place, config["S3Uri"])
            mirror.restore()
            yield mirror

    def _container(self, root: Path, host: str) -> Container:
        names = hosts(self.request["ResourceConfig"].get("InstanceCount", 1))
        write_config(root, self.request, host, names)
        for place in ("model", "output/data", "checkpoints"):
            (root / "opt/ml" / place).mkdir(parents=True, exist_ok=True)
        what = self.request["AlgorithmSpecification"]
        command = [*what["ContainerEntrypoint"], *what.get("ContainerArguments", [])]
        environment = {
            "TRAINING_JOB_NAME": self.name,
            "TRAINING_JOB_ARN": self.arn,
            **self.request.get("Environment", {}),
        }
        return Container(self.state, root, command, environment)

    def _observe(self, line: str) -> None:
        for name, pattern in self._patterns:
            match = pattern.search(line)
            if match and match.groups():
                value = _number(match[1])
                if value is not None:
                    with self.state.lock:
                        self.metrics[name] = (value, now())

    def _take(self, roots: list[Path]) -> None:
        """What was written until a stop is kept too, as the service does."""
        if self._wish is None:
            self._move("Uploading")
        if self.request["OutputDataConfig"].get("CompressionType") == "NONE":
            for root in roots:
                send(self.state, root / "opt/ml/model", f"{self.output_uri}/model")
                send(self.state, root / "opt/ml/output/data", f"{self.output_uri}/data")
            return
        places = [root / "opt/ml/model" for root in roots]
        pack(self.state, places, roots[0] / "tmp-model.tar.gz", self.model_uri)
        pack_output(self, roots)

    @property
    def model_uri(self) -> str:
        plain = self.request["OutputDataConfig"].get("CompressionType") == "NONE"
        return f"{self.output_uri}/model" if plain else f"{self.output_uri}/model.tar.gz"

    # --- what is told -------------------------------------------------------------------------------

    def _finish(self) -> None:
        late = self.status == "Stopped" and self._wish is Wish.TIME
        self._move("MaxRuntimeExceeded" if late else self.status)

    def _move(self, secondary: str) -> None:
        with self.state.lock:
            if self.secondary == "Stopping" and secondary not in ENDS:
                return
            moment = now()
            if self.transitions:
                self.transitions[-1]["EndTime"] = moment
            message = MESSAGES[secondary] if secondary != "Failed" else self.reason or MESSAGES[secondary]
            self.transitions.append({"Status": secondary, "StartTime": moment, "StatusMessage": message})
            if secondary in ENDS:
                self.transitions[-1]["EndTime"] = moment
            self.secondary, self.changed = secondary, moment

    def seconds(self) -> tuple[int, int] | None:
        """Of training and of what is billed, both begun seconds."""
        if self.started is None or self.ended is None:
            return None
        spent = max(1, math.ceil((self.ended - self.started).total_seconds()))
        return spent, max(1, math.ceil(spent * SPOT_SHARE)) if self.spot else spent


ENDS = ("Stopped", "MaxRuntimeExceeded", "Completed", "Failed")


def pack_output(job: TrainingJob, roots: list[Path]) -> None:
    places = [root / "opt/ml/output/data" for root in roots]
    pack(job.state, places, roots[0] / "tmp-output.tar.gz", f"{job.output_uri}/output.tar.gz")


def write_config(root: Path, request: Request, host: str, names: list[str]) -> None:
    """The three files that tell a container what it is."""
    config = root / "opt/ml/input/config"
    channels = {
        channel["ChannelName"]: {
            "ContentType": channel.get("ContentType", ""),
            "TrainingInputMode": channel.get("InputMode", "File"),
            "S3DistributionType": channel["DataSource"]["S3DataSource"].get(
                "S3DataDistributionType", "FullyReplicated"
            ),
            "RecordWrapperType": channel.get("RecordWrapperType", "None"),
        }
        for channel in request.get("InputDataConfig", [])
    }
    instance = request["ResourceConfig"].get("InstanceType", "")
    group = {"instance_group_name": "homogeneousCluster", "instance_type": instance, "hosts": names}
    resources = {
        "current_host": host,
        "current_instance_type": instance,
        "current_group_name": "homogeneousCluster",
        "hosts": names,
        "instance_groups": [group],
        "network_interface_name": "lo",
    }
    write_json(config / "hyperparameters.json", request.get("HyperParameters", {}))
    write_json(config / "inputdataconfig.json", channels)
    write_json(config / "resourceconfig.json", resources)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _reason(codes: list[int], roots: list[Path]) -> str:
    code = next(code for code in codes if code)
    ending = f", exit code: {code}"
    told = f"AlgorithmError: {message_in(roots, 'failure')}"
    return told[: LONGEST_REASON - len(ending)] + ending
