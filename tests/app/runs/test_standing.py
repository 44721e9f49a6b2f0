"""What features below runs are told of one: how far it is, and why it stands still."""

from collections.abc import Callable

import pytest

from app.core.security import Actor
from app.core.services import Services, Standing
from tests.app.runs.staging import Stage


@pytest.fixture
def stage(services: Services, person: Callable[..., Actor]) -> Stage:
    return Stage(services, person("editor").id)


def standing(services: Services, run_id: str) -> Standing:
    with services.works.reading() as work:
        found = services.launcher.standing(work, run_id)
    assert found is not None
    return found


def test_a_run_tells_its_phase_its_share_and_what_to_do(stage: Stage, services: Services) -> None:
    run_id = stage.launch(stage.dataset())
    assert standing(services, run_id).unserved == "cpu"
    stage.worker("cpu")
    assert standing(services, run_id).unserved == ""
    lease = stage.claim(run_id, "prepare")
    assert standing(services, run_id).share is None
    stage.progress(lease, 30, 120, "reading rows")
    told = standing(services, run_id)
    assert (told.status, told.phase, told.share) == ("running", "reading rows", 0.25)
    assert told.seconds_left is not None
    stage.break_off(lease, "No text column.", "Choose one.")
    assert standing(services, run_id).advice == "Choose one."


def test_nothing_is_told_of_a_run_that_is_not_there(services: Services) -> None:
    with services.works.reading() as work:
        assert services.launcher.standing(work, "run_x") is None


def test_a_feature_below_can_cancel(stage: Stage, services: Services) -> None:
    run_id = stage.launch(stage.dataset())

    with services.works.writing() as work:
        services.launcher.cancel(work, services, run_id, stage.actor_id)
    assert standing(services, run_id).status == "cancelled"
