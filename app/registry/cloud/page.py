"""What a model's page shows of SageMaker's registry."""

from dataclasses import dataclass

from app.core.services import Services
from app.core.work import Work
from app.integrations.aws.config import config_of
from app.registry.cloud import queries
from app.registry.cloud.tables import CloudModel
from app.registry.tables import Model


@dataclass(frozen=True)
class ModelInCloud:
    """``problems`` is how many of its versions could not be brought into step."""

    set_up: bool
    row: CloudModel | None
    problems: int


def model_in_cloud(work: Work, services: Services, model: Model) -> ModelInCloud:
    row = work.session.get(CloudModel, model.id)
    problems = queries.problem_count(work.session, model.id) if row else 0
    return ModelInCloud(config_of(work, services.settings) is not None, row, problems)
