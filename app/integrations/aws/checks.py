"""Each permission tried by itself against AWS, as harmlessly as it can be: what is asked about is not there.

A permission to create can't be tried without creating, so it is named as what it is: not tried.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from app.core.ids import new_id
from app.integrations.aws.clients import Aws
from app.integrations.aws.errors import CloudAway, CloudExpired, CloudMissing, CloudRefused, calling
from app.integrations.aws.operations import OPERATIONS, Operation
from app.integrations.aws.policy import account_of

NOBODY = "fittingroom-check-of-permissions"  # no resource has this name
NO_TABLES = "fittingroom_check_of_permissions"
NO_QUERY = "00000000-0000-4000-8000-000000000000"
JOBS_LOG = "/aws/sagemaker/TrainingJobs"
UNTRIED = "It can't be tried without making something: the first run shows it."
STOPPED = "Not tried: AWS could not be asked, see above."
State = Literal["done", "failed", "untried"]
Try = Callable[[Aws, str], object]  # with the key of a probe in the bucket


@dataclass(frozen=True)
class Finding:
    """``permission`` as IAM writes it; ``message`` what was found, ``advice`` what to do about a failure."""

    permission: str
    operation: str
    purpose: str
    state: State
    message: str = ""
    advice: str = ""


def check_all(aws: Aws) -> Iterator[Finding]:
    """One finding after the other; where AWS can't be asked at all, the rest is not tried."""
    key = f"{aws.config.prefix}/check/{new_id('probe')}"
    reachable = True
    for operation in sorted(OPERATIONS, key=_order):
        if operation.name not in TRIES or not reachable:
            yield _finding(operation, "untried", UNTRIED if operation.name not in TRIES else STOPPED)
            continue
        try:
            yield _tried(aws, operation, key)
        except (CloudAway, CloudExpired) as error:
            reachable = False
            yield _finding(operation, "failed", error.message, error.advice)
    yield Finding("iam:PassRole", "", "hand the execution role to a job", "untried", UNTRIED)


def _order(operation: Operation) -> tuple[bool, int]:
    """As they stand in TRIES, where a probe is written before it is read; what can't be tried comes last."""
    names = list(TRIES)
    tried = operation.name in TRIES
    return (not tried, names.index(operation.name) if tried else 0)


def _tried(aws: Aws, operation: Operation, key: str) -> Finding:
    try:
        with calling(operation.purpose):
            said = TRIES[operation.name](aws, key)
    except CloudMissing:
        return _absent(aws, operation)
    except CloudRefused as error:
        return _finding(operation, "failed", error.message, error.advice)
    return _finding(operation, "done", said if isinstance(said, str) else "")


def _absent(aws: Aws, operation: Operation) -> Finding:
    """That nothing of the name is there is an answer too, and only who may ask gets it."""
    if operation.scope != "bucket":
        return _finding(operation, "done")
    advice = f"Create it in {aws.config.region}, or name another one."
    return _finding(operation, "failed", f"There is no bucket {aws.config.bucket}.", advice)


def _finding(operation: Operation, state: State, message: str = "", advice: str = "") -> Finding:
    permission = operation.actions[0] if operation.actions else f"{operation.service}:{operation.name}"
    return Finding(permission, operation.name, operation.purpose, state, message, advice)


def _who(aws: Aws, _key: str) -> str:
    """An account that is not the role's would be refused later, with less to go by."""
    said = aws.sts.get_caller_identity()
    if said["Account"] != account_of(aws.config):
        raise CloudRefused(
            f"The credentials are of the account {said['Account']}, the role is of {account_of(aws.config)}.",
            "Use credentials of the role's account, or another role.",
        )
    return str(said["Arn"])


def _read(aws: Aws, key: str) -> None:
    aws.s3.get_object(Bucket=aws.config.bucket, Key=key)["Body"].read()


TRIES: Mapping[str, Try] = {
    "GetCallerIdentity": _who,
    "HeadBucket": lambda aws, _: aws.s3.head_bucket(Bucket=aws.config.bucket),
    "PutObject": lambda aws, key: aws.s3.put_object(Bucket=aws.config.bucket, Key=key, Body=b"A probe."),
    "HeadObject": lambda aws, key: aws.s3.head_object(Bucket=aws.config.bucket, Key=key),
    "GetObject": _read,
    "ListObjectsV2": lambda aws, key: aws.s3.list_objects_v2(Bucket=aws.config.bucket, Prefix=key, MaxKeys=1),
    "DeleteObject": lambda aws, key: aws.s3.delete_object(Bucket=aws.config.bucket, Key=key),
    "ListProcessingJobs": lambda aws, _: aws.sagemaker.list_processing_jobs(MaxResults=1),
    "DescribeProcessingJob": lambda aws, _: aws.sagemaker.describe_processing_job(ProcessingJobName=NOBODY),
    "StopProcessingJob": lambda aws, _: aws.sagemaker.stop_processing_job(ProcessingJobName=NOBODY),
    "ListTrainingJobs": lambda aws, _: aws.sagemaker.list_training_jobs(MaxResults=1),
    "DescribeTrainingJob": lambda aws, _: aws.sagemaker.describe_training_job(TrainingJobName=NOBODY),
    "StopTrainingJob": lambda aws, _: aws.sagemaker.stop_training_job(TrainingJobName=NOBODY),
    "ListPipelines": lambda aws, _: aws.sagemaker.list_pipelines(MaxResults=1),
    "ListPipelineExecutions": lambda aws, _: aws.sagemaker.list_pipeline_executions(PipelineName=NOBODY),
    "ListModelPackageGroups": lambda aws, _: aws.sagemaker.list_model_package_groups(MaxResults=1),
    "DescribeModelPackageGroup": lambda aws, _: aws.sagemaker.describe_model_package_group(
        ModelPackageGroupName=NOBODY
    ),
    "ListModels": lambda aws, _: aws.sagemaker.list_models(MaxResults=1),
    "DescribeModel": lambda aws, _: aws.sagemaker.describe_model(ModelName=NOBODY),
    "ListEndpointConfigs": lambda aws, _: aws.sagemaker.list_endpoint_configs(MaxResults=1),
    "DescribeEndpointConfig": lambda aws, _: aws.sagemaker.describe_endpoint_config(
        EndpointConfigName=NOBODY
    ),
    "ListEndpoints": lambda aws, _: aws.sagemaker.list_endpoints(MaxResults=1),
    "DescribeEndpoint": lambda aws, _: aws.sagemaker.describe_endpoint(EndpointName=NOBODY),
    "InvokeEndpoint": lambda aws, _: aws.runtime.invoke_endpoint(EndpointName=NOBODY, Body=b"{}"),
    "GetDatabases": lambda aws, _: aws.glue.get_databases(MaxResults=1),
    "GetTables": lambda aws, _: aws.glue.get_tables(DatabaseName=NO_TABLES),
    "GetQueryExecution": lambda aws, _: aws.athena.get_query_execution(QueryExecutionId=NO_QUERY),
    "DescribeLogStreams": lambda aws, _: aws.logs.describe_log_streams(logGroupName=JOBS_LOG, limit=1),
    "GetLogEvents": lambda aws, _: aws.logs.get_log_events(logGroupName=JOBS_LOG, logStreamName=NOBODY),
}
