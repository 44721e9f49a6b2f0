"""Whoever submits a job or looks after it may die at any moment: there is one job, and no line twice."""

import json
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from pathlib import Path
from shutil import copytree

import pytest
from sqlalchemy import select

from app.core.services import Services
from app.handlers import open_services
from app.runs import queries
from app.runs.cloud.tables import CloudJob
from app.runs.tables import Attempt, Run, Step
from tests.programs.cloud import Simulator
from tests.reliability import restarting
from tests.reliability.invariants import Watch
from tests.reliability.nursery import Nursery, open_nursery

SCENARIO = "tests.reliability.scenario_cloud"
KILLS = 10
AROUND_THE_CREATE = ("job.created", "job.save")
OF_A_KEEPER = ("job.look", "job.log", "job.download", "job.fetched", "job.stored", "job.finish")


@pytest.fixture
def nursery(simulator: Simulator) -> Iterator[Nursery]:
    with open_nursery([SCENARIO]) as nursery:
        yield nursery


@pytest.fixture
def home_for(
    simulator: Simulator, nursery: Nursery, migrated_home: Path, tmp_path: Path
) -> Callable[[str], Path]:
    def prepared(pipeline: str) -> Path:
        home = tmp_path / f"{simulator.new_bucket()}.{pipeline}"
        copytree(migrated_home, home)
        ended = nursery.raise_child(SCENARIO, "prepare", home)
        assert ended.code == 0, ended.log
        return home

    return prepared


@pytest.fixture
def opened() -> Iterator[Callable[[Path], Services]]:
    found: list[Services] = []

    def open_at(home: Path) -> Services:
        found.append(open_services(restarting.settings_of(home)))
        return found[-1]

    yield open_at
    for services in found:
        services.close()


def created(simulator: Simulator, bucket: str) -> list[str]:
    """The names of the jobs that AWS created for this installation."""
    return [
        call["request"]["ProcessingJobName"]
        for call in simulator.calls()
        if call["operation"] == "CreateProcessingJob"
        and not call["code"]
        and f"s3://{bucket}/" in json.dumps(call["request"])
    ]


def test_c20_a_worker_killed_between_the_create_and_the_save_is_followed_by_one_that_adopts_the_job(
    simulator: Simulator,
    nursery: Nursery,
    home_for: Callable[[str], Path],
    opened: Callable[[Path], Services],
) -> None:
    """Each of five steps loses two attempts; the third one is the last that it has."""
    home = home_for("single")
    for point in islice(cycle(AROUND_THE_CREATE), KILLS):
        ended = nursery.raise_child(SCENARIO, "act", home, f"{point}:kill")
        assert ended.killed, f"{point}: {ended.log}"
    ended = nursery.raise_child(SCENARIO, "recover", home)
    assert ended.code == 0, ended.log
    services = opened(home)
    with services.works.reading() as work:
        steps = list(work.session.scalars(select(Step).order_by(Step.id)))
        jobs = list(work.session.scalars(select(CloudJob).order_by(CloudJob.step_id)))
        attempts = list(
            work.session.scalars(select(Attempt.status).order_by(Attempt.step_id, Attempt.number))
        )
        assert not (wrong := Watch(services).violations(work.session)), "\n".join(wrong)
    assert [(step.state, step.last_error) for step in steps] == [("succeeded", "")] * 5
    assert [(step.attempt, step.fence) for step in steps] == [(3, 3)] * 5
    assert attempts == ["lost", "lost", "succeeded"] * 5
    assert sorted(created(simulator, home.name.partition(".")[0])) == sorted(job.name for job in jobs)
    assert [(job.step_id, job.fence, job.status) for job in jobs] == [
        (step.id, 3, "Completed") for step in steps
    ]


def test_keepers_that_are_killed_at_any_point_leave_one_artifact_and_no_line_twice(
    simulator: Simulator,
    nursery: Nursery,
    home_for: Callable[[str], Path],
    opened: Callable[[Path], Services],
) -> None:
    home = home_for("spoken")
    assert nursery.raise_child(SCENARIO, "act", home).code == 0
    for point in OF_A_KEEPER:
        ended = nursery.raise_child(SCENARIO, "keep", home, f"{point}:kill")
        assert ended.killed, f"{point}: {ended.log}"
    ended = nursery.raise_child(SCENARIO, "recover", home)
    assert ended.code == 0, ended.log
    services = opened(home)
    with services.works.reading() as work:
        run = work.session.scalars(select(Run)).one()
        step = queries.steps_of(work.session, run.id)[0]
        job = work.session.scalars(select(CloudJob).where(CloudJob.step_id == step.id)).one()
    assert (run.status, step.attempt, job.status) == ("succeeded", 1, "Completed")
    assert not list((home / "work").glob("*"))
    with services.works.telemetry_reading() as telemetry:
        lines = queries.log_lines(telemetry.session, run.id, step.id, 1)
        points = queries.metric_points(telemetry.session, run.id, step.id)
    assert [line.text for line in lines if line.text.startswith("tick")] == ["tick 0", "tick 1", "tick 2"]
    assert [point.step for point in points] == [0, 1, 2]
