"""What a container asks to know whether its worker works."""

import socket
from pathlib import Path

import pytest

from app.core.services import Services
from app.core.settings import Settings
from app.runs.tables import Worker
from workers import alive


@pytest.fixture
def named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FITTINGROOM_HOME", str(settings.home))
    if settings.database_url:
        monkeypatch.setenv("DATABASE_URL", settings.database_url)
    return settings.home


def add(services: Services, name: str, host: str, *queues: str) -> None:
    with services.works.writing() as work:
        work.session.add(
            Worker(
                id=name, host=host, pid=1, queues=list(queues), slots={}, kinds=[], version="1", devices=[]
            )
        )


@pytest.mark.usefixtures("named")
def test_only_a_worker_of_this_machine_and_of_the_queue_counts(services: Services) -> None:
    assert alive.main([]) == 1
    add(services, "other", "elsewhere", "cpu", "io")
    assert alive.main([]) == 1
    add(services, "mine", socket.gethostname(), "cpu", "io")
    assert alive.main([]) == 0
    assert alive.main(["cpu"]) == 0
    assert alive.main(["gpu"]) == 1
