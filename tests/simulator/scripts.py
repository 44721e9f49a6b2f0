"""Little real programs as a job's container: uploaded as code, or written on the command line."""

from typing import Any

from tests.programs.cloud import Simulator

IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.10-cpu-py313"
CODE = "/opt/ml/processing/input/code"


def processing_request(
    simulator: Simulator, name: str, program: str, *arguments: str, hosts: int = 1, **changes: Any
) -> dict[str, Any]:
    """``program`` is Python, run as ``python3 code/program.py``. ``changes`` replace whole parts."""
    uri = simulator.put(f"s3://{simulator.new_bucket()}/code/program.py", program)
    code = {
        "InputName": "code",
        "S3Input": {"S3Uri": uri, "LocalPath": CODE, "S3DataType": "S3Prefix", "S3InputMode": "File"},
    }
    cluster = {"InstanceCount": hosts, "InstanceType": "ml.c5.xlarge", "VolumeSizeInGB": 30}
    return {
        "ProcessingJobName": name,
        "ProcessingResources": {"ClusterConfig": cluster},
        "AppSpecification": {
            "ImageUri": IMAGE,
            "ContainerEntrypoint": ["python3", f"{CODE}/program.py"],
            **({"ContainerArguments": list(arguments)} if arguments else {}),
        },
        "RoleArn": simulator.role_arn,
        **changes,
        "ProcessingInputs": [code, *changes.get("ProcessingInputs", [])],
    }


def s3_input(name: str, uri: str, distribution: str = "FullyReplicated") -> dict[str, Any]:
    where = {
        "S3Uri": uri,
        "LocalPath": f"/opt/ml/processing/input/{name}",
        "S3DataType": "S3Prefix",
        "S3InputMode": "File",
        "S3DataDistributionType": distribution,
    }
    return {"InputName": name, "S3Input": where}


def s3_outputs(uri: str, mode: str = "EndOfJob") -> dict[str, Any]:
    where = {"S3Uri": uri, "LocalPath": "/opt/ml/processing/output", "S3UploadMode": mode}
    return {"Outputs": [{"OutputName": "out", "S3Output": where}]}


def training_request(
    simulator: Simulator, name: str, program: str, *arguments: str, hosts: int = 1, **changes: Any
) -> dict[str, Any]:
    """``program`` is Python in a channel of its own, as the product's bundle is."""
    bucket = simulator.new_bucket()
    uri = simulator.put(f"s3://{bucket}/code/program.py", program)
    specification = {
        "TrainingImage": IMAGE,
        "TrainingInputMode": "File",
        "ContainerEntrypoint": ["python3", "/opt/ml/input/data/code/program.py"],
        **({"ContainerArguments": list(arguments)} if arguments else {}),
        **changes.pop("AlgorithmSpecification", {}),
    }
    resources = {"InstanceCount": hosts, "InstanceType": "ml.c5.xlarge", "VolumeSizeInGB": 30}
    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": specification,
        "RoleArn": simulator.role_arn,
        "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/jobs"},
        "ResourceConfig": resources,
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        **changes,
        "InputDataConfig": [channel("code", uri), *changes.get("InputDataConfig", [])],
    }


def channel(name: str, uri: str, distribution: str = "FullyReplicated") -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": distribution}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}}
