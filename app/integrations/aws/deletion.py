"""Taking away what the product made at AWS: what runs is stopped first, then what serves, then what lies.

Each kind's way is safe to go twice: what is not there any more is as good as deleted. SageMaker keeps jobs
that have ended for ever, and they cost nothing, so a job is gone once it does not run.
"""

from collections.abc import Callable, Mapping
from typing import Any

from app.core.errors import Conflict
from app.integrations.aws.arns import execution_arn, package_arn
from app.integrations.aws.clients import Aws
from app.integrations.aws.errors import CloudMissing, calling
from app.integrations.aws.objects import remove_below
from app.integrations.aws.tables import CloudResource
from ml.contract.faults import faultpoint

Pause = Callable[[float], None]
LOOK_SECONDS = 5.0
LOOKS = 60  # five minutes; an endpoint takes one or two, a job two at most
ENDED = frozenset({"Completed", "Failed", "Stopped", "Succeeded", "Deleted"})
# In this order: what bills by the hour first, what others stand on last.
ORDER = (
    "pipeline-execution",
    "training-job",
    "processing-job",
    "endpoint",
    "endpoint-config",
    "model",
    "model-package",
    "model-package-group",
    "pipeline",
    "glue-table",
    "glue-database",
    "s3-prefix",
)


class StillThere(Conflict):
    title = "It is still there"


def delete(aws: Aws, resource: CloudResource, pause: Pause) -> None:
    """Raises a refusal of app.integrations.aws.errors, or StillThere, where it could not be done."""
    faultpoint("cloud.delete_resource")
    try:
        with calling(f"delete the {resource.kind} {resource.name}"):
            WAYS[resource.kind](aws, resource, pause)
    except CloudMissing:
        return


def status_of(aws: Aws, resource: CloudResource) -> str:
    """In AWS's own word; empty where the kind has none. Raises CloudMissing."""
    look = LOOKS_AT.get(resource.kind)
    if look is None:
        return ""
    with calling(f"look at the {resource.kind} {resource.name}"):
        return look(aws, resource)


def _until(aws: Aws, resource: CloudResource, pause: Pause) -> None:
    for _ in range(LOOKS):
        if status_of(aws, resource) in ENDED:
            return
        pause(LOOK_SECONDS)
    raise StillThere(f"{resource.name} has not ended in five minutes.", "Look again, then delete it again.")


def _stop(ask: Callable[[Aws, CloudResource], object]) -> Callable[[Aws, CloudResource, Pause], None]:
    def stop(aws: Aws, resource: CloudResource, pause: Pause) -> None:
        if (status := status_of(aws, resource)) in ENDED:
            return
        if status != "Stopping":
            ask(aws, resource)
        _until(aws, resource, pause)

    return stop


def _delete_endpoint(aws: Aws, resource: CloudResource, pause: Pause) -> None:
    """It bills until it is gone, so its going is waited for."""
    if status_of(aws, resource) != "Deleting":
        aws.sagemaker.delete_endpoint(EndpointName=resource.name)
    _until(aws, resource, pause)


def _delete_files(aws: Aws, resource: CloudResource, _pause: Pause) -> None:
    bucket, _, key = resource.name.removeprefix("s3://").partition("/")
    if not key.strip("/"):
        raise StillThere(f"{resource.name} is a whole bucket.", "Delete it at AWS, if that is meant.")
    remove_below(aws, bucket, key)


def _delete_table(aws: Aws, resource: CloudResource, _pause: Pause) -> None:
    database, _, table = resource.name.partition(".")
    aws.glue.delete_table(DatabaseName=database, Name=table)


def _token(resource: CloudResource) -> str:
    """The same whenever the same is asked for, so that it happens once; AWS wants 32 characters."""
    return resource.id.ljust(32, "0")


def _stop_execution(aws: Aws, resource: CloudResource) -> object:
    return aws.sagemaker.stop_pipeline_execution(
        PipelineExecutionArn=execution_arn(aws, resource), ClientRequestToken=_token(resource)
    )


def _simply(ask: Callable[[Aws, CloudResource], object]) -> Callable[[Aws, CloudResource, Pause], None]:
    def do(aws: Aws, resource: CloudResource, _pause: Pause) -> None:
        ask(aws, resource)

    return do


def _said(answer: Mapping[str, Any], key: str) -> str:
    return str(answer[key])


WAYS: Mapping[str, Callable[[Aws, CloudResource, Pause], None]] = {
    "pipeline-execution": _stop(_stop_execution),
    "training-job": _stop(lambda aws, each: aws.sagemaker.stop_training_job(TrainingJobName=each.name)),
    "processing-job": _stop(lambda aws, each: aws.sagemaker.stop_processing_job(ProcessingJobName=each.name)),
    "endpoint": _delete_endpoint,
    "endpoint-config": _simply(
        lambda aws, each: aws.sagemaker.delete_endpoint_config(EndpointConfigName=each.name)
    ),
    "model": _simply(lambda aws, each: aws.sagemaker.delete_model(ModelName=each.name)),
    "model-package": _simply(
        lambda aws, each: aws.sagemaker.delete_model_package(ModelPackageName=package_arn(aws, each))
    ),
    "model-package-group": _simply(
        lambda aws, each: aws.sagemaker.delete_model_package_group(ModelPackageGroupName=each.name)
    ),
    "pipeline": _simply(
        lambda aws, each: aws.sagemaker.delete_pipeline(
            PipelineName=each.name, ClientRequestToken=_token(each)
        )
    ),
    "glue-table": _delete_table,
    "glue-database": _simply(lambda aws, each: aws.glue.delete_database(Name=each.name)),
    "s3-prefix": _delete_files,
}
LOOKS_AT: Mapping[str, Callable[[Aws, CloudResource], str]] = {
    "pipeline-execution": lambda aws, each: _said(
        aws.sagemaker.describe_pipeline_execution(PipelineExecutionArn=execution_arn(aws, each)),
        "PipelineExecutionStatus",
    ),
    "training-job": lambda aws, each: _said(
        aws.sagemaker.describe_training_job(TrainingJobName=each.name), "TrainingJobStatus"
    ),
    "processing-job": lambda aws, each: _said(
        aws.sagemaker.describe_processing_job(ProcessingJobName=each.name), "ProcessingJobStatus"
    ),
    "endpoint": lambda aws, each: _said(
        aws.sagemaker.describe_endpoint(EndpointName=each.name), "EndpointStatus"
    ),
}
