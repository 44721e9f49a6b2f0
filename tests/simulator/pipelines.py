"""A pipeline of the labs' shape whose steps are little real programs."""

import json
from typing import Any

from tests.programs.cloud import Simulator
from tests.simulator.scripts import IMAGE

PREPARE = """
import json, pathlib, sys
flag = pathlib.Path(sys.argv[1], "ready")
if not flag.exists():
    sys.exit("there is nothing to prepare")
pathlib.Path(sys.argv[2], "rows.json").write_text(json.dumps(sys.argv[3:]))
"""
TRAIN = """
import json, os, pathlib
root = pathlib.Path(os.environ["SIMULATED_ROOT"], "opt/ml")
given = json.loads((root / "input/config/hyperparameters.json").read_text())
rows = json.loads((root / "input/data/train/rows.json").read_text())
(root / "model/model.json").write_text(json.dumps({"rows": rows, "given": given}))
"""
EVALUATE = """
import json, pathlib, sys, tarfile
archive = next(pathlib.Path(sys.argv[1]).glob("*.tar.gz"))
with tarfile.open(archive) as opened:
    model = json.load(opened.extractfile("model.json"))
value = float(model["given"]["accuracy"])
found = {"metrics": {"accuracy": {"value": value}}, "model": model}
pathlib.Path(sys.argv[2], "evaluation.json").write_text(json.dumps(found))
"""
SLEEP = "import time\nprint('asleep', flush=True)\ntime.sleep(600)"
LOCAL = "/opt/ml/processing"
PARAMETERS = [
    {"Name": "MaxSeqLength", "Type": "Integer", "DefaultValue": 128},
    {"Name": "Accuracy", "Type": "Float", "DefaultValue": 0.5},
    {"Name": "MinAccuracyValue", "Type": "Float", "DefaultValue": 0.33},
    {"Name": "Balance", "Type": "Boolean", "DefaultValue": True},
    {"Name": "Mode", "Type": "String", "DefaultValue": "File", "EnumValues": ["File", "FastFile"]},
    {"Name": "InputData", "Type": "String"},
]


def get(path: str) -> dict[str, str]:
    return {"Get": path}


def text(path: str) -> dict[str, Any]:
    """A parameter as the string that the service wants."""
    return {"Std:Join": {"On": "", "Values": [get(path)]}}


def processing(
    simulator: Simulator,
    name: str,
    program: str,
    *arguments: Any,
    inputs: dict[str, Any],
    out: str,
    **more: Any,
) -> dict[str, Any]:
    code = simulator.put(f"s3://{out.split('/')[2]}/code/{name}/program.py", program)
    places = {"code": code, **inputs}
    return {
        "Name": name,
        "Type": "Processing",
        "Arguments": {
            "ProcessingResources": {
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.c5.xlarge", "VolumeSizeInGB": 30}
            },
            "AppSpecification": {
                "ImageUri": IMAGE,
                "ContainerEntrypoint": ["python3", f"{LOCAL}/input/code/program.py"],
                **({"ContainerArguments": list(arguments)} if arguments else {}),
            },
            "RoleArn": simulator.role_arn,
            "ProcessingInputs": [
                {
                    "InputName": each,
                    "S3Input": {
                        "S3Uri": uri,
                        "LocalPath": f"{LOCAL}/input/{each}",
                        "S3DataType": "S3Prefix",
                        "S3InputMode": "File",
                    },
                }
                for each, uri in places.items()
            ],
            "ProcessingOutputConfig": {
                "Outputs": [
                    {
                        "OutputName": "out",
                        "S3Output": {
                            "S3Uri": f"{out}/{name}",
                            "LocalPath": f"{LOCAL}/output",
                            "S3UploadMode": "EndOfJob",
                        },
                    }
                ]
            },
        },
        **more,
    }


def training(simulator: Simulator, out: str, **more: Any) -> dict[str, Any]:
    code = simulator.put(f"s3://{out.split('/')[2]}/code/Train/program.py", TRAIN)
    prepared = get("Steps.Processing.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri")
    channels = {"code": code, "train": prepared}
    return {
        "Name": "Train",
        "Type": "Training",
        "Arguments": {
            "AlgorithmSpecification": {
                "TrainingImage": IMAGE,
                "TrainingInputMode": get("Parameters.Mode"),
                "ContainerEntrypoint": ["python3", "/opt/ml/input/data/code/program.py"],
            },
            "RoleArn": simulator.role_arn,
            "HyperParameters": {"accuracy": text("Parameters.Accuracy")},
            "OutputDataConfig": {"S3OutputPath": f"{out}/jobs"},
            "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.c5.xlarge", "VolumeSizeInGB": 30},
            "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
            "InputDataConfig": [
                {
                    "ChannelName": name,
                    "DataSource": {
                        "S3DataSource": {
                            "S3DataType": "S3Prefix",
                            "S3Uri": uri,
                            "S3DataDistributionType": "FullyReplicated",
                        }
                    },
                }
                for name, uri in channels.items()
            ],
        },
        **more,
    }


def container() -> dict[str, Any]:
    return {"Image": IMAGE, "ModelDataUrl": get("Steps.Train.ModelArtifacts.S3ModelArtifacts")}


def registration(group: str) -> dict[str, Any]:
    served = {
        "Containers": [container()],
        "SupportedContentTypes": ["application/json"],
        "SupportedResponseMIMETypes": ["application/json"],
    }
    arguments = {"ModelPackageGroupName": group, "InferenceSpecification": served}
    return {"Name": "RegisterModel", "Type": "RegisterModel", "Arguments": arguments}


def condition(group: str) -> dict[str, Any]:
    accuracy = {
        "Std:JsonGet": {
            "PropertyFile": get("Steps.EvaluateModel.PropertyFiles.EvaluationReport"),
            "Path": "metrics.accuracy.value",
        }
    }
    words = ["Accuracy is not", get("Parameters.MinAccuracyValue")]
    enough = {
        "Type": "GreaterThanOrEqualTo",
        "LeftValue": accuracy,
        "RightValue": get("Parameters.MinAccuracyValue"),
    }
    create = {"Name": "CreateModel", "Type": "Model", "Arguments": {"PrimaryContainer": container()}}
    fail = {
        "Name": "TooBad",
        "Type": "Fail",
        "Arguments": {"ErrorMessage": {"Std:Join": {"On": " ", "Values": words}}},
    }
    return {
        "Name": "AccuracyCondition",
        "Type": "Condition",
        "Arguments": {"Conditions": [enough], "IfSteps": [registration(group), create], "ElseSteps": [fail]},
    }


def document(steps: list[dict[str, Any]], parameters: list[dict[str, Any]] | None = None) -> str:
    whole = {"Version": "2020-12-01", "Metadata": {}, "Parameters": parameters or [], "Steps": steps}
    return json.dumps(whole)


def labs_pipeline(simulator: Simulator, name: str, out: str) -> str:
    """Made at the simulator; answers its name. ``{out}/ready`` is what Processing wants to see."""
    cache = {"CacheConfig": {"Enabled": True, "ExpireAfter": "PT1H"}}
    prepare = processing(
        simulator,
        "Processing",
        PREPARE,
        f"{LOCAL}/input/data",
        f"{LOCAL}/output",
        text("Parameters.MaxSeqLength"),
        text("Parameters.Balance"),
        inputs={"data": get("Parameters.InputData")},
        out=out,
        **cache,
    )
    evaluate = processing(
        simulator,
        "EvaluateModel",
        EVALUATE,
        f"{LOCAL}/input/model",
        f"{LOCAL}/output",
        inputs={"model": get("Steps.Train.ModelArtifacts.S3ModelArtifacts")},
        out=out,
        PropertyFiles=[
            {"PropertyFileName": "EvaluationReport", "OutputName": "out", "FilePath": "evaluation.json"}
        ],
    )
    steps = [prepare, training(simulator, out, **cache), evaluate, condition(f"group-{name}")]
    create(simulator, name, document(steps, PARAMETERS))
    return name


def create(simulator: Simulator, name: str, definition: str) -> str:
    client = simulator.client("sagemaker")
    words = {"PipelineName": name, "PipelineDefinition": definition, "RoleArn": simulator.role_arn}
    return str(client.create_pipeline(**words)["PipelineArn"])


def start(simulator: Simulator, name: str, **values: str) -> str:
    given = [{"Name": key, "Value": value} for key, value in values.items()]
    client = simulator.client("sagemaker")
    return str(
        client.start_pipeline_execution(PipelineName=name, PipelineParameters=given)["PipelineExecutionArn"]
    )


def ended(simulator: Simulator, arn: str) -> dict[str, Any]:
    client = simulator.client("sagemaker")
    return dict(
        simulator.until(
            lambda: client.describe_pipeline_execution(PipelineExecutionArn=arn),
            lambda found: found["PipelineExecutionStatus"] in ("Succeeded", "Failed", "Stopped"),
        )
    )


def steps_of(simulator: Simulator, arn: str) -> dict[str, dict[str, Any]]:
    client = simulator.client("sagemaker")
    pages = client.get_paginator("list_pipeline_execution_steps").paginate(PipelineExecutionArn=arn)
    return {step["StepName"]: step for page in pages for step in page["PipelineExecutionSteps"]}
