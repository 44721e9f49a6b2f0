"""One step as one job at SageMaker: the request that creates it.

Pure, so that what is sent can be read, compared and checked against the service's own shapes without an
account. What it relies on in the container is in ml/hosts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ml.contract.metrics import NUMBER
from ml.hosts.arguments import as_arguments
from ml.pipeline.definition import Job

CODE = "code"  # the channel with our bundle
OUTPUT = "output"
FILE = "File"
PROCESSING_ROOT = "/opt/ml/processing"
TRAINING_INPUT = "/opt/ml/input/data"
CHECKPOINTS = "/opt/ml/checkpoints"
MOST_CHANNELS: Mapping[Job, int] = {"processing": 9, "training": 19}  # the service's limit less the code
SPOT_PATIENCE = 3600  # how long a spot job may wait for a machine, on top of its run time

# The labs' names take the labs' own lines (``val_loss: 0.61``) and ours (``val_loss=0.61``).
METRICS: Mapping[str, str] = {
    "validation:loss": rf"val_loss(?:: |=)({NUMBER})",
    "validation:accuracy": rf"val_acc(?:: |uracy=)({NUMBER})",
    "train_loss": rf"train_loss=({NUMBER})",
    "val_loss": rf"val_loss=({NUMBER})",
    "val_accuracy": rf"val_accuracy=({NUMBER})",
    "val_macro_f1": rf"val_macro_f1=({NUMBER})",
}


@dataclass(frozen=True)
class JobSpec:
    """``channels`` are addresses of prefixes, ``output_uri`` ends in ``jobs/<name>/output``.

    ``environment`` is given to the container; ``SM_NUM_CPUS`` in it sets the number of threads.
    """

    name: str
    kind: Job
    program: str
    arguments: Mapping[str, str]
    channels: Mapping[str, str]
    code_uri: str
    output_uri: str
    checkpoint_uri: str
    instance_type: str
    instance_count: int
    volume_gb: int
    max_seconds: int
    spot: bool
    image: str
    role_arn: str
    tags: Mapping[str, str]
    environment: Mapping[str, str] = field(default_factory=dict)
    subnets: Sequence[str] = ()
    security_groups: Sequence[str] = ()

    def __post_init__(self) -> None:
        if len(self.channels) > MOST_CHANNELS[self.kind] or CODE in self.channels:
            raise ValueError(
                f"A {self.kind} job takes at most {MOST_CHANNELS[self.kind]} inputs beside {CODE}, "
                f"not {', '.join(self.channels)}."
            )


def create_request(spec: JobSpec) -> dict[str, Any]:
    """For CreateProcessingJob or CreateTrainingJob, as ``spec.kind`` says."""
    return _training(spec) if spec.kind == "training" else _processing(spec)


def prefix(uri: str) -> str:
    """A prefix ends in a slash: without it ``inputs/ab`` also means ``inputs/ab.complete``."""
    return uri if uri.endswith(("/", ".tar.gz")) else f"{uri}/"


def _processing(spec: JobSpec) -> dict[str, Any]:
    inputs = {CODE: (spec.code_uri, f"{PROCESSING_ROOT}/{CODE}")}
    inputs |= {name: (uri, f"{PROCESSING_ROOT}/input/{name}") for name, uri in spec.channels.items()}
    request = {
        "ProcessingJobName": spec.name,
        "ProcessingInputs": [processing_input(name, *place) for name, place in inputs.items()],
        "ProcessingOutputConfig": {"Outputs": [processing_output(spec.output_uri)]},
        "ProcessingResources": {"ClusterConfig": _cluster(spec)},
        "StoppingCondition": {"MaxRuntimeInSeconds": spec.max_seconds},
        "AppSpecification": {
            "ImageUri": spec.image,
            "ContainerEntrypoint": ["python3", f"{PROCESSING_ROOT}/{CODE}/start.py"],
            "ContainerArguments": [spec.program, *as_arguments(spec.arguments)],
        },
        **_common(spec),
    }
    if spec.subnets:
        request["NetworkConfig"] = {"VpcConfig": _network(spec)}
    return request


def _training(spec: JobSpec) -> dict[str, Any]:
    channels = {CODE: spec.code_uri, **spec.channels}
    request = {
        "TrainingJobName": spec.name,
        "AlgorithmSpecification": {
            "TrainingImage": spec.image,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python3", f"{TRAINING_INPUT}/{CODE}/start.py"],
            "ContainerArguments": [spec.program],
            "MetricDefinitions": metric_definitions(),
        },
        "HyperParameters": dict(spec.arguments),
        "InputDataConfig": [training_channel(name, uri) for name, uri in channels.items()],
        "OutputDataConfig": {"S3OutputPath": _above(spec)},
        "ResourceConfig": _cluster(spec),
        "StoppingCondition": {"MaxRuntimeInSeconds": spec.max_seconds},
        "CheckpointConfig": {"S3Uri": prefix(spec.checkpoint_uri), "LocalPath": CHECKPOINTS},
        **_common(spec),
    }
    if spec.spot:
        request["EnableManagedSpotTraining"] = True
        request["StoppingCondition"]["MaxWaitTimeInSeconds"] = spec.max_seconds + SPOT_PATIENCE
    if spec.subnets:
        request["VpcConfig"] = _network(spec)
    return request


def processing_input(name: str, uri: Any, path: str) -> dict[str, Any]:
    """``uri`` may be a reference in a pipeline's JSON."""
    return {
        "InputName": name,
        "S3Input": {
            "S3Uri": prefix(uri) if isinstance(uri, str) else uri,
            "LocalPath": path,
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
            "S3DataDistributionType": "FullyReplicated",
            "S3CompressionType": "None",
        },
    }


def processing_output(uri: Any) -> dict[str, Any]:
    return {
        "OutputName": OUTPUT,
        "S3Output": {"S3Uri": uri, "LocalPath": f"{PROCESSING_ROOT}/output", "S3UploadMode": "EndOfJob"},
    }


def training_channel(name: str, uri: Any, mode: Any = FILE) -> dict[str, Any]:
    return {
        "ChannelName": name,
        "InputMode": mode,
        "DataSource": {
            "S3DataSource": {
                "S3DataType": "S3Prefix",
                "S3Uri": prefix(uri) if isinstance(uri, str) else uri,
                "S3DataDistributionType": "FullyReplicated",
            }
        },
    }


def metric_definitions() -> list[dict[str, str]]:
    return [{"Name": name, "Regex": regex} for name, regex in METRICS.items()]


def _cluster(spec: JobSpec) -> dict[str, Any]:
    return {
        "InstanceType": spec.instance_type,
        "InstanceCount": spec.instance_count,
        "VolumeSizeInGB": spec.volume_gb,
    }


def _network(spec: JobSpec) -> dict[str, Any]:
    return {"Subnets": list(spec.subnets), "SecurityGroupIds": list(spec.security_groups)}


def _common(spec: JobSpec) -> dict[str, Any]:
    common: dict[str, Any] = {
        "RoleArn": spec.role_arn,
        "Tags": [{"Key": key, "Value": value} for key, value in sorted(spec.tags.items())],
    }
    return common | ({"Environment": dict(spec.environment)} if spec.environment else {})


def _above(spec: JobSpec) -> str:
    """The service itself appends the job's name and ``output`` to what it is given."""
    own = f"/{spec.name}/{OUTPUT}"
    if not spec.output_uri.rstrip("/").endswith(own):
        raise ValueError(f"The output of {spec.name} must end in {own}, not {spec.output_uri}.")
    return spec.output_uri.rstrip("/").removesuffix(own)
