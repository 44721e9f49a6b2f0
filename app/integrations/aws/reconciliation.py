"""The ledger compared with what is really there: what bills unseen is found, what is gone is noted.

What runs or serves under our names and bears our installation's tag goes into the ledger at once, so that
"delete all" reaches it. What bears none is told and left alone: it may be another installation's.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from app.integrations.aws.clients import Aws
from app.integrations.aws.config import INSTALLATION_TAG
from app.integrations.aws.errors import calling
from app.integrations.aws.resources import Kind

NAMED = "fittingroom"  # what all our names begin with


@dataclass(frozen=True)
class Present:
    """Something that is there at AWS now. Without an ``arn`` it can't bear a tag."""

    kind: Kind
    name: str
    arn: str = ""
    state: str = ""


@dataclass(frozen=True)
class Listing:
    """A list call of SageMaker: where its rows stand in the answer, and how a row is called."""

    kind: Kind
    operation: str
    rows: str
    name: str
    arn: str
    state: str = ""
    narrowed: str = "NameContains"


LISTINGS = (
    Listing("endpoint", "list_endpoints", "Endpoints", "EndpointName", "EndpointArn", "EndpointStatus"),
    Listing(
        "endpoint-config",
        "list_endpoint_configs",
        "EndpointConfigs",
        "EndpointConfigName",
        "EndpointConfigArn",
    ),
    Listing("model", "list_models", "Models", "ModelName", "ModelArn"),
    Listing(
        "pipeline",
        "list_pipelines",
        "PipelineSummaries",
        "PipelineName",
        "PipelineArn",
        narrowed="PipelineNamePrefix",
    ),
    Listing(
        "model-package-group",
        "list_model_package_groups",
        "ModelPackageGroupSummaryList",
        "ModelPackageGroupName",
        "ModelPackageGroupArn",
    ),
)
JOBS = (
    Listing(
        "training-job",
        "list_training_jobs",
        "TrainingJobSummaries",
        "TrainingJobName",
        "TrainingJobArn",
        "TrainingJobStatus",
    ),
    Listing(
        "processing-job",
        "list_processing_jobs",
        "ProcessingJobSummaries",
        "ProcessingJobName",
        "ProcessingJobArn",
        "ProcessingJobStatus",
    ),
)


def all_present(aws: Aws) -> Iterator[Present]:
    """Jobs that have ended cost nothing and stay at AWS for ever: only running ones are asked for."""
    for listing in LISTINGS:
        yield from _listed(aws, listing)
    for listing in JOBS:
        for status in ("InProgress", "Stopping"):
            yield from _listed(aws, listing, StatusEquals=status)
    yield from _tables(aws)


def is_ours(aws: Aws, present: Present) -> bool:
    """By the tag; a table of Glue is known by its database's name alone."""
    if not present.arn:
        return False
    with calling(f"read the tags of {present.name}"):
        tags = aws.sagemaker.list_tags(ResourceArn=present.arn)["Tags"]
    return {"Key": INSTALLATION_TAG, "Value": aws.config.installation_id} in tags


def _listed(aws: Aws, listing: Listing, **narrowed: str) -> Iterator[Present]:
    """Names are compared here too: SageMaker looks for ours anywhere within a name."""
    with calling(f"list every {listing.kind}"):
        paginator: Any = aws.sagemaker.get_paginator(cast(Any, listing.operation))
        for page in paginator.paginate(**{listing.narrowed: NAMED}, **narrowed):
            for row in page[listing.rows]:
                if row[listing.name].startswith(NAMED):
                    state = row[listing.state] if listing.state else ""
                    yield Present(listing.kind, row[listing.name], row[listing.arn], state)


def _tables(aws: Aws) -> Iterator[Present]:
    with calling("list the databases in Glue"):
        for page in aws.glue.get_paginator("get_databases").paginate():
            for database in page["DatabaseList"]:
                if database["Name"].startswith(NAMED):
                    yield Present("glue-database", database["Name"])
