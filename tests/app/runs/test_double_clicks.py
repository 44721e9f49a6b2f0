"""C14: however often Run is pressed, one key starts one run; real HTTP, many connections, both databases."""

from collections.abc import Callable

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select

from app.accounts.tables import AuditEntry
from app.accounts.tokens import create_service_token
from app.core.security import Role
from app.core.services import Services
from app.runs.tables import Run, Step
from tests.app.runs.staging import Stage
from tests.programs.serving import all_at_once, serving

CLICKS = 50


@pytest.fixture
def press(app: FastAPI, services: Services, stage: Stage) -> Callable[..., httpx.Response]:
    """``press(address, key, recipe)``: one POST on a connection of its own."""
    stage.dataset("dresses")
    with services.works.writing() as work:
        _, secret = create_service_token(work, "editor-program", Role.EDITOR)

    def pressed(address: str, key: str, recipe: str = "quick") -> httpx.Response:
        headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": key}
        body = {"dataset": "dresses", "recipe": recipe}
        return httpx.post(f"{address}/api/v1/runs", json=body, headers=headers, timeout=120, trust_env=False)

    return pressed


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_c14_fifty_clicks_with_one_key_start_one_run_and_another_body_is_refused(
    app: FastAPI, services: Services, press: Callable[..., httpx.Response]
) -> None:
    with serving(app) as address:
        answers = all_at_once(lambda _: press(address, "one-click"), CLICKS)
        assert {answer.status_code for answer in answers} == {201}, answers[0].text
        assert len({answer.json()["id"] for answer in answers}) == 1
        other = press(address, "one-click", recipe="full")
        assert (other.status_code, "Idempotency-Key" in other.text) == (422, True), other.text
        assert press(address, "another-click").json()["id"] != answers[0].json()["id"]
    with services.works.reading() as work:
        runs = list(work.session.scalars(select(Run).order_by(Run.number)))
        steps = work.session.scalar(select(func.count()).select_from(Step).where(Step.run_id == runs[0].id))
        started = work.session.scalar(select(func.count()).where(AuditEntry.action == "run.started"))
    assert [run.number for run in runs] == [1, 2]
    assert steps == len({step["name"] for step in answers[0].json()["steps"]})
    assert started == 2
