"""The ARN of what stands in the ledger without one: whoever asked AWS for it died before the answer came."""

from app.integrations.aws.clients import Aws
from app.integrations.aws.errors import CloudMissing
from app.integrations.aws.tables import CloudResource

VERSION_ID = "fittingroom-version-id"  # among a package's own facts, see the registry's


def execution_arn(aws: Aws, resource: CloudResource) -> str:
    """Its name is that of its pipeline and its own, which AWS shows beside it."""
    if resource.arn:
        return resource.arn
    pipeline, _, display = resource.name.partition("/")
    for page in aws.sagemaker.get_paginator("list_pipeline_executions").paginate(PipelineName=pipeline):
        for each in page["PipelineExecutionSummaries"]:
            if each.get("PipelineExecutionDisplayName") == display:
                return each["PipelineExecutionArn"]
    raise CloudMissing(f"No execution of {pipeline} is called {display}.")


def package_arn(aws: Aws, resource: CloudResource) -> str:
    """Its name is that of its group and the version's id, which it bears among its facts."""
    if resource.arn:
        return resource.arn
    group, _, version_id = resource.name.partition("/")
    for page in aws.sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=group):
        for each in page["ModelPackageSummaryList"]:
            arn = each["ModelPackageArn"]
            facts = aws.sagemaker.describe_model_package(ModelPackageName=arn)
            if facts.get("CustomerMetadataProperties", {}).get(VERSION_ID) == version_id:
                return arn
    raise CloudMissing(f"No package of {group} is of {version_id}.")
