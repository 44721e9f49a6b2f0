"""The cloud as an administrator would have set it up, for tests that never ask it anything."""

from app.core.services import Services
from app.integrations.aws.tables import ONLY, CloudSettings


def set_up(services: Services, **changes: str) -> None:
    row = CloudSettings(id=ONLY, installation_id="inst_1", region="us-east-1", updated_by="usr_1", spot=True)
    row.role_arn, row.bucket, row.prefix = "arn:aws:iam::123456789012:role/fitting", "bucket", "fittingroom"
    row.processing_instance, row.training_instance = "ml.m5.xlarge", "ml.g5.xlarge"
    row.serving_instance = "ml.m5.large"
    for name, value in changes.items():
        setattr(row, name, value)
    with services.works.writing() as work:
        work.session.add(row)
