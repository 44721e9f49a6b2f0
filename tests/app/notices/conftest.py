from collections.abc import Callable

import pytest

from app.core.security import Actor
from app.core.services import Services
from app.notices import queries
from app.notices.queries import NoticeFilter
from app.notices.tables import Notice
from tests.app.runs.staging import Stage


@pytest.fixture
def author(person: Callable[..., Actor]) -> Actor:
    return person("editor", "ml-author")


@pytest.fixture
def stage(services: Services, author: Actor) -> Stage:
    return Stage(services, author.id)


@pytest.fixture
def told(services: Services) -> Callable[[str], list[Notice]]:
    """``told(anna.id)``: her notices, unread ones first and newest first."""

    def notices(user_id: str) -> list[Notice]:
        with services.works.reading() as work:
            return list(queries.list_notices(work.session, NoticeFilter(user_id)).items)

    return notices
