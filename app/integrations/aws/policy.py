"""The least that AWS has to allow, as policies ready to be pasted: made from the settings and the list of
operations, never from a wish list."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.integrations.aws.config import CloudConfig
from app.integrations.aws.operations import OPERATIONS

VERSION = "2012-10-17"
NAMES = "fittingroom-*"  # what everything is called that the product makes at SageMaker
# SageMaker names what its pipelines make, and nobody can tell it how.
OF_PIPELINES = "pipelines-*"
MADE_BY_PIPELINES = ("training-job", "processing-job", "model")
GLUE = "fittingroom*"  # Glue takes no hyphens
# IAM also asks for the right on what such a call names: an endpoint's configuration, a package's group.
NAMED_BESIDE = {"endpoint": ("endpoint-config",), "model-package": ("model-package-group",)}
Policy = dict[str, Any]
# What a container of SageMaker does by itself as the execution role: fetch its image, write its log.
OF_THE_CONTAINER = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetAuthorizationToken",
    "ecr:GetDownloadUrlForLayer",
    "cloudwatch:PutMetricData",
)
LOGGING = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents")
# What a pipeline's steps do as the execution role, since SageMaker itself starts them.
OF_A_PIPELINE = frozenset({"processing-job", "training-job", "model-package-group", "model-package", "model"})


def policies(config: CloudConfig) -> Mapping[str, Policy]:
    """By what they are for; each is a whole document."""
    return {
        "caller": caller_policy(config),
        "execution": execution_policy(config),
        "trust": trust_policy(config),
    }


def caller_policy(config: CloudConfig) -> Policy:
    """For the credentials that the product is started with, or for the role that it assumes."""
    by_scope: dict[str, set[str]] = {}
    for operation in OPERATIONS:
        by_scope.setdefault(operation.scope, set()).update(operation.actions)
    statements = [
        _allow(_title(scope), sorted(actions), resources(config, scope))
        for scope, actions in sorted(by_scope.items())
        if actions
    ]
    return _document([*statements, _pass_role(config)])


def execution_policy(config: CloudConfig) -> Policy:
    """For the role that jobs and endpoints run as."""
    steps = sorted({a for o in OPERATIONS if o.scope in OF_A_PIPELINE for a in o.actions})
    kinds = [arn for scope in sorted(OF_A_PIPELINE) for arn in resources(config, scope)]
    files = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
    return _document(
        [
            _allow("Bucket", ["s3:GetBucketLocation", "s3:ListBucket"], resources(config, "bucket")),
            _allow("Objects", files, resources(config, "objects")),
            _allow("Logs", list(LOGGING), resources(config, "logs")),
            _allow("Container", list(OF_THE_CONTAINER), ["*"]),
            _allow("PipelineSteps", steps, kinds),
            _pass_role(config),
        ]
    )


def trust_policy(config: CloudConfig) -> Policy:
    """Who may run as the execution role: SageMaker, for this account alone."""
    statement = {
        "Sid": "SageMaker",
        "Effect": "Allow",
        "Principal": {"Service": "sagemaker.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": account_of(config)}},
    }
    return _document([statement])


def resources(config: CloudConfig, scope: str) -> list[str]:
    partition, place = partition_of(config), f"{config.region}:{account_of(config)}"
    match scope:
        case "any":
            return ["*"]
        case "bucket":
            return [f"arn:{partition}:s3:::{config.bucket}"]
        case "objects":
            return [f"arn:{partition}:s3:::{config.bucket}/{config.prefix}/*"]
        case "logs":
            return [f"arn:{partition}:logs:{place}:log-group:/aws/sagemaker/*"]
        case "athena":
            return [f"arn:{partition}:athena:{place}:workgroup/*"]
        case "glue":
            names = ("catalog", f"database/{GLUE}", f"table/{GLUE}/*")
            return [f"arn:{partition}:glue:{place}:{name}" for name in names]
    kinds = (scope, *NAMED_BESIDE.get(scope, ()))
    names = (NAMES, *((OF_PIPELINES,) if scope in MADE_BY_PIPELINES else ()))
    return [f"arn:{partition}:sagemaker:{place}:{kind}/{name}" for kind in kinds for name in names]


def account_of(config: CloudConfig) -> str:
    return config.role_arn.split(":")[4]


def partition_of(config: CloudConfig) -> str:
    return config.role_arn.split(":")[1]


def _pass_role(config: CloudConfig) -> Policy:
    """Whoever starts a job says as which role it runs, and must be allowed to hand that role on."""
    condition = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    return {**_allow("PassRole", ["iam:PassRole"], [config.role_arn]), "Condition": condition}


def _allow(sid: str, actions: Sequence[str], on: Sequence[str]) -> Policy:
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": list(on)}


def _title(scope: str) -> str:
    """A statement's id takes letters and digits alone."""
    return "".join(word.capitalize() for word in scope.split("-"))


def _document(statements: Sequence[Policy]) -> Policy:
    return {"Version": VERSION, "Statement": list(statements)}
