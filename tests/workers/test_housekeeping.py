"""The thread in each worker that does what is due."""

import pytest
from sqlalchemy import select, update

from app.core.database import now
from app.core.services import Services
from app.monitoring import chores
from app.monitoring.chores import Chore
from app.monitoring.tables import Schedule
from tests.programs.fleet import wait_until
from workers import housekeeping
from workers.housekeeping import Housekeeper


def test_a_worker_plans_a_chore_and_does_it_when_it_is_due(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def run(_: Services) -> dict[str, int]:
        done.append("done")
        return {}

    monkeypatch.setattr(chores, "CHORES", {"count": Chore("count", "Counts.", 3600, run)})
    monkeypatch.setattr(housekeeping, "LOOK_SECONDS", 0.05)

    def planned() -> Schedule | None:
        with services.works.reading() as work:
            return work.session.scalar(select(Schedule))

    housekeeper = Housekeeper(services, "here")
    housekeeper.start()
    try:
        wait_until(planned, "the chore was planned")
        assert done == []
        with services.works.writing() as work:
            work.session.execute(update(Schedule).values(next_at=now(-1)))
        wait_until(lambda: (row := planned()) and row.finished_at, "the chore was done")
    finally:
        housekeeper.stop()
    assert done == ["done"]
