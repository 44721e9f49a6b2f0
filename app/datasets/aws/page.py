"""What the page of a version in AWS shows. It reads the database alone: AWS is asked by workers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.accounts.queries import actor_names
from app.charts.figure import Figure
from app.core.services import Services
from app.core.work import Work
from app.datasets.aws import asking, charts, costs, sending
from app.datasets.aws.places import Place
from app.datasets.aws.questions import BY_KEY, asked_of
from app.datasets.queries import NamedVersion
from app.integrations.aws.config import config_of
from app.integrations.errands import queries
from app.integrations.errands.standing import InAws
from app.integrations.errands.tables import OPEN, Errand

ROWS_SHOWN = 25
FREE_SHOWN = 20


class VersionInAws(InAws[Place]):
    REMOVE = sending.REMOVE


@dataclass(frozen=True)
class Answer:
    """A question with its newest query. ``title`` is empty for SQL of one's own."""

    key: str
    title: str
    sql: str
    query: Errand | None
    figure: Figure | None = None

    @property
    def result(self) -> Mapping[str, Any] | None:
        return self.query.result if self.query else None

    @property
    def moving(self) -> bool:
        return self.query is not None and self.query.state in OPEN

    @property
    def cost(self) -> str:
        return costs.in_words(self.result["scanned"]) if self.result else ""


@dataclass(frozen=True)
class AthenaPage:
    named: NamedVersion
    aws: VersionInAws
    answers: Sequence[Answer]
    free: Sequence[Answer]
    names: Mapping[str, str]

    @property
    def moving(self) -> bool:
        return self.aws.moving or any(each.moving for each in (*self.answers, *self.free))

    @property
    def asked(self) -> bool:
        return any(each.query for each in self.answers)


def in_aws(work: Work, services: Services, version_id: str) -> VersionInAws:
    return VersionInAws(
        set_up=config_of(work, services.settings) is not None,
        place=sending.standing_at(work, version_id),
        last=queries.newest(work.session, version_id, sending.KINDS),
    )


def athena_page(work: Work, services: Services, named: NamedVersion) -> AthenaPage:
    version_id = named.version.id
    found = queries.errands_of(work.session, version_id, [asking.ASK], limit=200)
    newest: dict[str | None, Errand] = {}
    for errand in found:
        newest.setdefault(errand.details["question"], errand)
    free = [each for each in found if each.details["question"] is None][:FREE_SHOWN]
    about = in_aws(work, services, version_id)
    return AthenaPage(
        named=named,
        aws=about,
        answers=[
            _answer(question.key, question.title, newest.get(question.key))
            for question in asked_of(asking.has_categories(named))
        ],
        free=[answer_of(each) for each in free],
        names=actor_names(work.session, {each.created_by for each in found}),
    )


def _answer(key: str, title: str, query: Errand | None) -> Answer:
    sql = query.details["sql"] if query else ""
    figure = None
    if query and query.result:
        figure = charts.drawn(key, query.result)
    return Answer(key, title, sql, query, figure)


def answer_of(query: Errand) -> Answer:
    """A query by itself, whether it was one of the five or somebody's own."""
    key = query.details["question"] or ""
    question = BY_KEY.get(key)
    return _answer(key, question.title if question else "", query)
