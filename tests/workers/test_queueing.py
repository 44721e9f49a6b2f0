"""Whose turn it is: priorities, limits of the whole installation, and workers that drain."""

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import update

from app.core.database import now
from app.runs import leases, queries, service
from app.runs.queries import HEAD_START_SECONDS
from app.runs.tables import Run, Step, StorageProbe, Worker
from app.runs.workers import queries as worker_queries
from app.runs.workers import service as workers
from tests.programs.installation import Toys
from workers.dispatch import Dispatcher
from workers.presence import Presence

BOTH = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)


def ready(toys: Toys, limit: int = 10) -> list[str]:
    with toys.services.works.reading() as work:
        return [step.run_id for step in queries.ready_steps(work.session, ["cpu"], ["program"], limit)]


@BOTH
def test_a_higher_priority_goes_first_and_can_be_given_later(toys: Toys) -> None:
    low, usual, high = (toys.launch(priority=word) for word in ("low", "normal", "high"))
    assert ready(toys) == [high, usual, low]
    with toys.services.works.writing() as work:
        service.place(work, low, "usr_1", priority="high")
    assert ready(toys) == [low, high, usual]
    step = toys.detail(usual).steps[0]
    with toys.services.works.reading() as work:
        assert queries.ready_before(work.session, step) == 2


@BOTH
def test_whoever_has_waited_longer_than_the_head_start_goes_first(toys: Toys) -> None:
    patient, high = toys.launch(), toys.launch(priority="high")
    assert ready(toys) == [high, patient]
    with toys.services.works.writing() as work:
        earlier = update(Run).where(Run.id == patient).values(created_at=now(-HEAD_START_SECONDS - 60))
        work.session.execute(earlier)
    assert ready(toys) == [patient, high]


def test_a_message_gives_way_to_a_step_of_higher_priority(toys: Toys) -> None:
    usual, high = toys.launch(), toys.launch(content=b"other", priority="high")
    first = toys.detail(usual).steps[0]
    worker = toys.worker
    assert worker.execute(first.id) is True  # somebody should look what else there is
    assert toys.states(usual)["prepare"] == "ready"
    toys.inbox.sent.clear()
    Dispatcher(worker, {}).send_overdue(0)
    assert toys.inbox.sent[0] == (toys.detail(high).steps[0].id, "cpu")


@BOTH
def test_a_limit_holds_when_all_claim_at_once(toys: Toys) -> None:
    runs = [toys.launch(content=bytes([number])) for number in range(8)]
    steps = [toys.detail(run_id).steps[0] for run_id in runs]
    start = threading.Barrier(len(steps))
    claimed: list[leases.Lease] = []

    def claim(step: Step) -> None:
        start.wait()
        with toys.services.works.writing() as work:
            lease = leases.claim(work, step, f"worker {step.id}", 60, most=3)
        if lease:
            claimed.append(lease)

    threads = [threading.Thread(target=claim, args=(step,)) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claimed) == 3
    with toys.services.works.reading() as work:
        assert worker_queries.full_queues(work.session, {"cpu": 3, "io": 1}) == {"cpu"}


@pytest.fixture
def told() -> list[object]:
    return []


@pytest.fixture
def presence(toys: Toys, told: list[object]) -> Presence:
    presence = Presence(toys.worker, told.append, lambda: told.append("ended"))
    presence.tick()
    return presence


def row_of(toys: Toys) -> workers.WorkerRow:
    with toys.services.works.reading() as work:
        (row,) = workers.worker_rows(work)
    return row


def test_a_worker_drains_resumes_and_leaves(
    toys: Toys, presence: Presence, told: list[object], person: Callable[..., object]
) -> None:
    admin = person("admin", "ada")
    worker = presence._worker
    step = toys.detail(toys.launch()).steps[0]
    with toys.services.works.writing() as work:
        leases.claim(work, step, worker.name, 60)
        workers.drain(work, admin, worker.name)  # type: ignore[arg-type]
    presence.tick()
    assert (row_of(toys).state, row_of(toys).running[0].step) == ("draining", "prepare")
    assert (worker.taking, told) == (False, [False])
    with toys.services.works.reading() as work:
        assert worker_queries.serving_workers(work.session) == []
    with toys.services.works.writing() as work:
        work.session.execute(update(Step).values(state="ready", lease_owner=None, lease_until=None))
    assert row_of(toys).state == "drained"
    assert worker.execute(step.id) is False
    with toys.services.works.writing() as work:
        workers.resume(work, admin, worker.name)  # type: ignore[arg-type]
    presence.tick()
    assert (worker.taking, told) == (True, [False, True])
    with toys.services.works.writing() as work:
        workers.drain(work, admin, worker.name, leave=True)  # type: ignore[arg-type]
    presence.tick()
    assert told[-1] == "ended"


def test_what_is_shown_never_ends_a_draining_that_was_just_asked_for(toys: Toys, presence: Presence) -> None:
    with toys.services.works.writing() as work:
        work.session.execute(update(Worker).values(draining=True))
    presence._write()
    assert row_of(toys).state == "drained"


def test_a_worker_of_another_storage_takes_nothing_and_says_so(toys: Toys, presence: Presence) -> None:
    assert (row_of(toys).state, row_of(toys).same_version) == ("alive", True)
    with toys.services.works.writing() as work:
        work.session.execute(update(StorageProbe).values(sha256="0" * 64))
    presence._show()
    row = row_of(toys)
    assert row.state == "troubled"
    assert "FITTINGROOM_STORAGE" in row.problem
    step = toys.detail(toys.launch()).steps[0]
    assert presence._worker.execute(step.id) is False
    assert toys.states(step.run_id)["prepare"] == "ready"


def test_a_step_whose_cards_have_gone_runs_without_one_if_it_may(toys: Toys, presence: Presence) -> None:
    may, must = toys.launch("devices"), toys.launch("devices", device="gpu")
    with toys.services.works.writing() as work:
        work.session.execute(update(Step).where(Step.name == "heavy").values(queue="gpu"))
    presence._show()
    assert [toys.detail(each).steps[1].queue for each in (may, must)] == ["cpu", "gpu"]


def test_another_device_holds_for_a_step_that_was_already_placed(toys: Toys) -> None:
    run_id = toys.launch("devices", device="cpu")
    with toys.services.works.writing() as work:
        work.session.execute(update(Step).where(Step.run_id == run_id).values(state="ready"))
        service.place(work, run_id, "usr_1", device="gpu")
    assert [step.queue for step in toys.detail(run_id).steps] == ["cpu", "gpu"]


def test_rows_of_workers_that_are_long_gone_are_forgotten(toys: Toys, presence: Presence) -> None:
    about = {"host": "h", "pid": 1, "queues": [], "slots": {}, "kinds": [], "version": "1"}
    with toys.services.works.writing() as work:
        work.session.add(Worker(id="old", seen_at=now(-25 * 3600), **about))
        work.session.add(Worker(id="quiet", seen_at=now(-120), **about))
    presence._write()
    with toys.services.works.reading() as work:
        assert {row.id: str(row.state) for row in workers.worker_rows(work)} == {
            "here": "alive",
            "quiet": "silent",
        }
