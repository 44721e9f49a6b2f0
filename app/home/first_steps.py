"""The five first steps of a new installation, each done for good once it was done once."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.accounts import preferences
from app.accounts.settings import FIRST_STEPS
from app.datasets.overview import any_ready
from app.endpoints.overview import ever_deployed
from app.registry.overview import newest_approved
from app.runs.overview import any_of
from app.runs.starting import CLASSIFIER
from app.runs.states import RunStatus


@dataclass(frozen=True)
class FirstStep:
    title: str
    text: str
    verb: str
    url: str
    done: bool


def first_steps(session: Session, actor_id: str) -> list[FirstStep]:
    """Nothing once all are done, or for a person who put them away."""
    if preferences.of(session, actor_id).get(FIRST_STEPS) == "off":
        return []
    steps = _steps(session)
    return [] if all(step.done for step in steps) else steps


def _steps(session: Session) -> list[FirstStep]:
    approved = newest_approved(session)
    return [
        FirstStep(
            "Bring in reviews",
            "A CSV, TSV, JSON lines or Parquet file with a text and a rating or label.",
            "Upload a file",
            "/datasets/new",
            any_ready(session),
        ),
        FirstStep(
            "Launch a run",
            "The recipe “quick” takes under five minutes on two cores.",
            "Launch a run",
            "/launch",
            any_of(session, CLASSIFIER),
        ),
        FirstStep(
            "Read the report",
            "How good is it, how sure is that, and does it beat the simple baseline?",
            "See the runs",
            f"/runs?pipeline={CLASSIFIER}",
            any_of(session, CLASSIFIER, RunStatus.SUCCEEDED),
        ),
        FirstStep(
            "Approve a version",
            "Somebody other than its author decides, with a comment.",
            "See what waits",
            "/approvals",
            approved is not None,
        ),
        FirstStep(
            "Deploy it and predict",
            "An endpoint answers from a form and over HTTP.",
            "Deploy a version",
            f"/models/{approved.model.id}/versions/{approved.version.number}" if approved else "/endpoints",
            ever_deployed(session),
        ),
    ]
