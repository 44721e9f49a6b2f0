"""Every operation of AWS that the product calls, with the permission it needs and on what.

The generated policy is made from this list and nothing else. A test walks the code's calls, so that none is
left out here and none stands here that nobody calls, and compares the table in docs/sagemaker.md.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

# What the policy allows the permission on, see policy.py; ``any`` where IAM knows nothing narrower.
Scope = Literal[
    "any",
    "bucket",
    "objects",
    "training-job",
    "processing-job",
    "pipeline",
    "model-package-group",
    "model-package",
    "model",
    "endpoint-config",
    "endpoint",
    "glue",
    "athena",
    "logs",
]


class Operation(NamedTuple):
    """``actions`` are what IAM calls it; none where AWS answers everybody."""

    service: str
    name: str
    actions: tuple[str, ...]
    scope: Scope
    purpose: str


def _sagemaker(name: str, scope: Scope, purpose: str, *more: str) -> Operation:
    return Operation("sagemaker", name, (f"sagemaker:{name}", *more), scope, purpose)


def _s3(name: str, action: str, purpose: str, scope: Scope = "objects") -> Operation:
    return Operation("s3", name, (f"s3:{action}",), scope, purpose)


def _glue(name: str, purpose: str, *more: str) -> Operation:
    return Operation("glue", name, (f"glue:{name}", *more), "glue", purpose)


def _athena(name: str, purpose: str, *more: str) -> Operation:
    return Operation("athena", name, (f"athena:{name}", *more), "athena", purpose)


# Whoever creates with tags needs the right to tag as well.
TAGS = "sagemaker:AddTags"

OPERATIONS: tuple[Operation, ...] = (
    Operation("sts", "GetCallerIdentity", (), "any", "who the credentials belong to"),
    _s3("HeadBucket", "ListBucket", "whether the bucket is there", "bucket"),
    _s3("ListObjectsV2", "ListBucket", "what stands below a prefix", "bucket"),
    _s3("GetObject", "GetObject", "bring results back"),
    _s3("HeadObject", "GetObject", "whether an input was sent already"),
    _s3("PutObject", "PutObject", "send code, inputs and data"),
    _s3("CreateMultipartUpload", "PutObject", "send large files"),
    _s3("UploadPart", "PutObject", "send large files"),
    _s3("CompleteMultipartUpload", "PutObject", "send large files"),
    _s3("AbortMultipartUpload", "AbortMultipartUpload", "leave no part of a large file behind"),
    _s3("DeleteObject", "DeleteObject", "take one file away"),
    _s3("DeleteObjects", "DeleteObject", "take files away"),
    _sagemaker("CreateProcessingJob", "processing-job", "a step as a job", TAGS),
    _sagemaker("DescribeProcessingJob", "processing-job", "follow it, and adopt it after a crash"),
    _sagemaker("StopProcessingJob", "processing-job", "cancel it"),
    _sagemaker("ListProcessingJobs", "any", "find what runs under our names"),
    _sagemaker("CreateTrainingJob", "training-job", "a training step as a job", TAGS),
    _sagemaker("DescribeTrainingJob", "training-job", "follow it, and adopt it after a crash"),
    _sagemaker("StopTrainingJob", "training-job", "cancel it"),
    _sagemaker("ListTrainingJobs", "any", "find what runs under our names"),
    _sagemaker("CreatePipeline", "pipeline", "a run's steps as a pipeline", TAGS),
    _sagemaker("StartPipelineExecution", "pipeline", "start it"),
    _sagemaker("ListPipelineExecutions", "pipeline", "adopt it after a crash"),
    _sagemaker("ListPipelineExecutionSteps", "pipeline", "follow its steps"),
    _sagemaker("RetryPipelineExecution", "pipeline", "try it again"),
    _sagemaker("DescribePipelineExecution", "pipeline", "follow an execution"),
    _sagemaker("StopPipelineExecution", "pipeline", "cancel it"),
    _sagemaker("DeletePipeline", "pipeline", "delete all"),
    _sagemaker("ListPipelines", "any", "find what is there under our names"),
    _sagemaker("CreateModelPackageGroup", "model-package-group", "a model in the registry", TAGS),
    _sagemaker("DescribeModelPackageGroup", "model-package-group", "adopt it after a crash"),
    _sagemaker("CreateModelPackage", "model-package", "a version in the registry"),
    _sagemaker("DescribeModelPackage", "model-package", "whether it was approved there"),
    _sagemaker("UpdateModelPackage", "model-package", "approve it there"),
    _sagemaker("ListModelPackages", "any", "adopt it after a crash"),
    _sagemaker("DeleteModelPackage", "model-package", "delete all"),
    _sagemaker("DeleteModelPackageGroup", "model-package-group", "delete all"),
    _sagemaker("ListModelPackageGroups", "any", "find what is there under our names"),
    _sagemaker("CreateModel", "model", "what an endpoint serves", TAGS),
    _sagemaker("DescribeModel", "model", "adopt it after a crash"),
    _sagemaker("DeleteModel", "model", "with its endpoint"),
    _sagemaker("ListModels", "any", "find what is there under our names"),
    _sagemaker("CreateEndpointConfig", "endpoint-config", "what an endpoint runs on", TAGS),
    _sagemaker("DescribeEndpointConfig", "endpoint-config", "adopt it after a crash"),
    _sagemaker("DeleteEndpointConfig", "endpoint-config", "with its endpoint"),
    _sagemaker("ListEndpointConfigs", "any", "find what is there under our names"),
    _sagemaker("CreateEndpoint", "endpoint", "serve a version", TAGS),
    _sagemaker("UpdateEndpoint", "endpoint", "another version behind the same name"),
    _sagemaker("DescribeEndpoint", "endpoint", "follow it"),
    _sagemaker("DeleteEndpoint", "endpoint", "stop its billing"),
    _sagemaker("ListEndpoints", "any", "find what bills under our names"),
    _sagemaker("ListTags", "any", "tell ours from another installation's"),
    Operation(
        "sagemaker-runtime", "InvokeEndpoint", ("sagemaker:InvokeEndpoint",), "endpoint", "a prediction"
    ),
    Operation("logs", "DescribeLogStreams", ("logs:DescribeLogStreams",), "logs", "find a job's log"),
    Operation("logs", "GetLogEvents", ("logs:GetLogEvents",), "logs", "read a job's log"),
    _glue("CreateDatabase", "a home for the tables of data sets"),
    _glue("CreateTable", "a data set version's table"),
    _glue("UpdateTable", "the same after it was sent again"),
    _glue("DeleteTable", "take a version away"),
    # Athena reads the catalogue with the right of whoever asks.
    _glue("GetTables", "whether a database is empty", "glue:GetTable", "glue:GetDatabase"),
    _glue("GetDatabases", "find what is there under our names"),
    _glue("DeleteDatabase", "with its last table"),
    _athena("StartQueryExecution", "ask a question", "athena:GetWorkGroup"),
    _athena("GetQueryExecution", "follow it"),
    _athena("GetQueryResults", "its answer"),
    _athena("StopQueryExecution", "cancel it"),
)


def permission_for(operation: str) -> str:
    """As far as the name alone tells; the message of AWS knows it better, where it has one."""
    return _BY_NAME.get(operation, operation)


_BY_NAME: Mapping[str, str] = {each.name: each.actions[0] for each in OPERATIONS if each.actions}
