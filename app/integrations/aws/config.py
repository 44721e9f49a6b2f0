"""Where and as whom the product works at AWS, as an administrator set it up."""

from dataclasses import dataclass

from app.core.settings import Settings
from app.core.work import Work
from app.integrations.aws.images import job_image, serving_image
from app.integrations.aws.tables import ONLY, CloudSettings

INSTALLATION_TAG = "fittingroom:installation"


@dataclass(frozen=True)
class CloudConfig:
    """``prefix`` neither begins nor ends with a slash and is never empty. Images are whole addresses.

    ``assume_role`` is a role that the product takes on before it speaks to AWS, where it has one;
    ``role_arn`` is the one that its jobs and endpoints run as.
    """

    region: str
    role_arn: str
    bucket: str
    prefix: str
    endpoint: str | None
    processing_instance: str
    training_instance: str
    serving_instance: str
    processing_image: str
    training_image: str
    serving_image: str
    spot: bool
    assume_role: str
    installation_id: str

    @property
    def root(self) -> str:
        """``s3://bucket/prefix``, without a slash at the end."""
        return f"s3://{self.bucket}/{self.prefix}"

    def uri(self, *parts: str) -> str:
        return "/".join((self.root, *parts))

    @property
    def tags(self) -> list[dict[str, str]]:
        """What every resource is marked with, in the form that SageMaker takes."""
        return [{"Key": INSTALLATION_TAG, "Value": self.installation_id}]


def row_of(work: Work) -> CloudSettings | None:
    return work.session.get(CloudSettings, ONLY)


def config_of(work: Work, settings: Settings) -> CloudConfig | None:
    """None where nobody has set the cloud up."""
    row = row_of(work)
    return _config(row, settings.aws_endpoint) if row else None


def _config(row: CloudSettings, endpoint: str | None) -> CloudConfig:
    return CloudConfig(
        region=row.region,
        role_arn=row.role_arn,
        bucket=row.bucket,
        prefix=row.prefix,
        endpoint=endpoint,
        processing_instance=row.processing_instance,
        training_instance=row.training_instance,
        serving_instance=row.serving_instance,
        processing_image=row.processing_image or job_image(row.region, row.processing_instance),
        training_image=row.training_image or job_image(row.region, row.training_instance),
        serving_image=row.serving_image or serving_image(row.region, row.serving_instance),
        spot=row.spot,
        assume_role=row.assume_role,
        installation_id=row.installation_id,
    )
