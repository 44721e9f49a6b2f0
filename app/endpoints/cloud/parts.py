"""What an endpoint at SageMaker is made of: a model and an endpoint configuration for each change.

A further variant, its weight, capture and scaling are entries of the same request.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.core.services import Services
from app.endpoints.cloud import recording
from app.endpoints.cloud.queries import CloudPlace, Wish
from app.endpoints.cloud.tables import CloudDeployment
from app.integrations.aws.clients import Aws
from app.integrations.aws.errors import CloudMissing, CloudRefused, calling
from app.integrations.aws.resources import Kind, note_resource
from app.registry import approval
from app.registry.cloud.archive import model_data
from app.registry.queries import NamedVersion
from ml.contract.faults import faultpoint


def ensure(services: Services, aws: Aws, place: CloudPlace, wish: Wish) -> None:
    """Both stand there afterwards; what an earlier try has made is adopted by its name."""
    tree = approval.model_files(services, wish.version)
    data = model_data(services, aws, NamedVersion(wish.model, wish.version), tree)
    _ensure_model(services, aws, place, wish.change, data)
    _ensure_config(services, aws, place, wish.change)


def _ensure_model(
    services: Services, aws: Aws, place: CloudPlace, change: CloudDeployment, data: str
) -> None:
    if _model_stands(aws, change.model_name):
        return
    _note(services, aws, place, "model", change.model_name)
    container = {"Image": aws.config.serving_image, "ModelDataUrl": data}
    with adopting(lambda: _model_stands(aws, change.model_name)), calling("create the model"):
        faultpoint("cloud.create_model")
        aws.sagemaker.create_model(
            ModelName=change.model_name,
            PrimaryContainer=container,  # type: ignore[arg-type]
            ExecutionRoleArn=aws.config.role_arn,
            Tags=aws.config.tags,  # type: ignore[arg-type]
        )


def _model_stands(aws: Aws, name: str) -> bool:
    try:
        with calling("look at the model"):
            aws.sagemaker.describe_model(ModelName=name)
    except CloudMissing:
        return False
    return True


def _ensure_config(services: Services, aws: Aws, place: CloudPlace, change: CloudDeployment) -> None:
    if _config_stands(aws, change.config_name):
        return
    _note(services, aws, place, "endpoint-config", change.config_name)
    variant = {
        "VariantName": change.variant,
        "ModelName": change.model_name,
        "InstanceType": change.instance_type,
        "InitialInstanceCount": change.instance_count,
        "InitialVariantWeight": 1.0,
    }
    what = calling("create the endpoint configuration")
    with adopting(lambda: _config_stands(aws, change.config_name)), what:
        faultpoint("cloud.create_endpoint_config")
        aws.sagemaker.create_endpoint_config(
            EndpointConfigName=change.config_name,
            ProductionVariants=[variant],  # type: ignore[list-item]
            Tags=aws.config.tags,  # type: ignore[arg-type]
        )


def _config_stands(aws: Aws, name: str) -> bool:
    try:
        with calling("look at the endpoint configuration"):
            aws.sagemaker.describe_endpoint_config(EndpointConfigName=name)
    except CloudMissing:
        return False
    return True


def _note(services: Services, aws: Aws, place: CloudPlace, kind: Kind, name: str) -> None:
    with services.works.writing() as work:
        note_resource(work, kind, name, region=aws.config.region, subject_id=place.endpoint.id)


@contextmanager
def adopting(stands: Callable[[], bool]) -> Iterator[None]:
    """A first answer may have been lost on the way, and the client asked once more: what AWS then refuses
    because it is there already is what was asked for."""
    try:
        yield
    except CloudRefused:
        if not stands():
            raise


def remove_others(services: Services, aws: Aws, place: CloudPlace) -> None:
    """The models and configurations of changes that are over; what is gone already is no error."""
    for change in recording.leftovers(services, place):
        _gone(aws, "delete the endpoint configuration", "config", change)
        _gone(aws, "delete the model", "model", change)
        recording.note_removed(services, change)


def _gone(aws: Aws, what: str, part: str, change: CloudDeployment) -> None:
    try:
        with calling(what):
            faultpoint(f"cloud.delete_{part}")
            if part == "config":
                aws.sagemaker.delete_endpoint_config(EndpointConfigName=change.config_name)
            else:
                aws.sagemaker.delete_model(ModelName=change.model_name)
    except CloudMissing:
        pass
