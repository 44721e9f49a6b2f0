"""What a run's page shows of its features in S3."""

from dataclasses import dataclass

from app.core.services import Services
from app.core.work import Work
from app.integrations.aws.config import config_of
from app.integrations.errands import queries
from app.integrations.errands.tables import OPEN, Errand, ErrandState
from app.runs.features import sending
from app.runs.features.sending import Place


@dataclass(frozen=True)
class InAws:
    set_up: bool
    place: Place | None
    last: Errand | None

    @property
    def moving(self) -> bool:
        return self.last is not None and self.last.state in OPEN

    @property
    def removing(self) -> bool:
        return self.last is not None and self.last.kind == sending.REMOVE

    @property
    def failed(self) -> bool:
        return self.last is not None and self.last.state == ErrandState.FAILED


def in_aws(work: Work, services: Services, run_id: str) -> InAws | None:
    """None where there is nothing to say: no cloud is set up, and nothing was ever sent."""
    last = queries.newest(work.session, run_id, sending.KINDS)
    set_up = config_of(work, services.settings) is not None
    return InAws(set_up, sending.standing_at(work, run_id), last) if set_up or last else None
