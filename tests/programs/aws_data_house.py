"""Data in AWS for pages that are looked at: versions sent, being sent and refused, questions, features."""

from app.core.errors import Conflict
from app.core.security import Actor
from app.core.services import Services
from app.datasets import service as datasets
from app.datasets.aws import asking, sending
from app.runs.features import sending as features
from app.runs.service import get_run
from tests.programs.athena_answers import do

REFUSED = "The credentials have no permission to register the table: glue:CreateTable is missing."
ADVICE = "Allow glue:CreateTable; Settings, Cloud shows the whole policy."


def furnish_data(services: Services, editor: Actor, dataset: str, run_id: str) -> dict[str, str]:
    """Version 2 is there and was asked, version 1 was refused. Ids of the queries of one's own."""
    with services.works.writing() as work:
        first, second = (datasets.find_version(work, dataset, number) for number in (1, 2))
        sending.order_sending(work, services, editor, first)
    do(services, **{sending.SEND: _refused})
    with services.works.writing() as work:
        sending.order_sending(work, services, editor, second)
        features.order_sending(work, services, editor, get_run(work, run_id).run)
    do(services)
    with services.works.writing() as work:
        asking.ask_all(work, editor, second)
        answered = asking.ask_freely(work, editor, second, "SELECT label, COUNT(*) AS reviews FROM reviews")
    do(services)
    with services.works.writing() as work:
        wrong = asking.ask_freely(work, editor, second, "SELECT nothing FROM nowhere")
    do(services, **{asking.ASK: _failed})
    return {"answered": answered.id, "failed": wrong.id}


def _refused(*_: object) -> dict[str, object]:
    raise Conflict(REFUSED, ADVICE)


def _failed(*_: object) -> dict[str, object]:
    raise Conflict("Athena: TABLE_NOT_FOUND: line 1:21: Table 'nowhere' does not exist", "Correct the SQL.")
