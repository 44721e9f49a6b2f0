"""What a run's page shows of its features in S3."""

from app.core.services import Services
from app.core.work import Work
from app.integrations.aws.config import config_of
from app.integrations.errands import queries
from app.integrations.errands.standing import InAws
from app.runs.features import sending
from app.runs.features.sending import Place


class FeaturesInAws(InAws[Place]):
    REMOVE = sending.REMOVE


def in_aws(work: Work, services: Services, run_id: str) -> FeaturesInAws | None:
    """None where there is nothing to say: no cloud is set up, and nothing was ever sent."""
    last = queries.newest(work.session, run_id, sending.KINDS)
    set_up = config_of(work, services.settings) is not None
    return FeaturesInAws(set_up, sending.standing_at(work, run_id), last) if set_up or last else None
