"""AWS's SDK against the simulator: a processor, a trainer, and a Pipeline from upsert to retry.

Run in .venv-sagemaker, never imported: ``python sdk.py < facts.json``; prints what it saw as JSON.
"""

import json
import sys
import time

from sagemaker.core.helper.session_helper import Session
from sagemaker.core.processing import Processor
from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output
from sagemaker.core.workflow.conditions import (
    ConditionGreaterThanOrEqualTo,
    ConditionIn,
    ConditionNot,
    ConditionOr,
)
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import CacheConfig, ProcessingStep

PROCESSING = "/opt/ml/processing"


def main(facts):
    seen = {"processor": processor(facts, Session())}
    seen["pipeline"] = pipeline(facts, PipelineSession())
    return seen


def job(facts, session, program, arguments, inputs, output):
    """A processor and what its ``run`` takes."""
    made = Processor(
        role=facts["role"],
        image_uri=facts["image"],
        instance_count=1,
        instance_type="ml.c5.xlarge",
        entrypoint=["python3", f"{PROCESSING}/input/code/program.py"],
        base_job_name="by-the-sdk",
        sagemaker_session=session,
    )
    places = {"code": facts["code"][program], **inputs}
    words = {
        "inputs": [_input(name, uri) for name, uri in places.items()],
        "outputs": [_output(output)],
        "arguments": arguments,
    }
    return made, words


def processor(facts, session):
    uri = f"{facts['place']}/processor"
    made, words = job(facts, session, "double", ["21"], {}, uri)
    made.run(**words, wait=True, logs=True)
    return {"job": made.latest_job.processing_job_name, "output": f"{uri}/result.json"}


def pipeline(facts, session):
    number = ParameterInteger("Number", 4)
    least = ParameterFloat("Least", 5.0)
    mode = ParameterString("Mode", "run", enum_values=["run", "fail"])
    out = f"{facts['place']}/pipeline"
    report = PropertyFile(name="Report", output_name="out", path="result.json")
    cache = CacheConfig(enable_caching=True, expire_after="PT1H")

    made, words = job(facts, session, "double", [number.to_string()], {}, f"{out}/first")
    first = ProcessingStep("First", step_args=made.run(**words), cache_config=cache)
    result = first.properties.ProcessingOutputConfig.Outputs["out"].S3Output.S3Uri
    made, words = job(facts, session, "add_one", [mode], {"first": result}, f"{out}/second")
    second = ProcessingStep("Second", step_args=made.run(**words), property_files=[report])
    enough = ConditionGreaterThanOrEqualTo(
        left=JsonGet(step_name="Second", property_file=report, json_path="numbers[0].value"), right=least
    )
    known = ConditionOr([ConditionIn(mode, ["run", "other"]), ConditionNot(ConditionIn(mode, ["x"]))])
    low = FailStep("TooLow", error_message=Join(on=" ", values=["less than", least]))
    check = ConditionStep("Check", conditions=[enough, known], if_steps=[], else_steps=[low])
    return driven(
        Pipeline(
            name="sdk-pipeline",
            parameters=[number, least, mode],
            steps=[first, second, check],
            sagemaker_session=session,
        ),
        facts,
    )


def driven(made, facts):
    """Create, then update by upsert; executions that succeed, use the cache, and fail."""
    arns = [made.upsert(role_arn=facts["role"])["PipelineArn"] for _ in range(2)]
    runs = {
        "plain": {},
        "again": {"Least": 100.0},
        "broken": {"Mode": "fail", "Number": 6},
    }
    seen = {"arns": arns, "runs": {}}
    for name, parameters in runs.items():
        execution = made.start(parameters=parameters)
        seen["runs"][name] = {"status": settled(execution), "steps": steps(execution), "arn": execution.arn}
    stopped = made.start(parameters={"Mode": "run", "Number": -1})  # which sleeps
    while not any(step.get("Metadata") for step in steps(stopped).values()):
        time.sleep(0.1)
    stopped.stop()
    seen["runs"]["stopped"] = {"status": settled(stopped), "steps": steps(stopped), "arn": stopped.arn}
    seen["executions"] = len(made.list_executions()["PipelineExecutionSummaries"])
    made.delete()
    return seen


def settled(execution):
    while True:
        found = execution.describe()
        if found["PipelineExecutionStatus"] in ("Succeeded", "Failed", "Stopped"):
            return found["PipelineExecutionStatus"]
        time.sleep(0.1)


def steps(execution):
    return {step["StepName"]: step for step in execution.list_steps()}


def _input(name, uri):
    return ProcessingInput(
        input_name=name,
        s3_input=ProcessingS3Input(
            s3_uri=uri, local_path=f"{PROCESSING}/input/{name}", s3_data_type="S3Prefix", s3_input_mode="File"
        ),
    )


def _output(uri):
    return ProcessingOutput(
        output_name="out",
        s3_output=ProcessingS3Output(
            s3_uri=uri, local_path=f"{PROCESSING}/output", s3_upload_mode="EndOfJob"
        ),
    )


if __name__ == "__main__":
    given = json.load(sys.stdin)
    print("\n" + json.dumps(main(given), default=str))
