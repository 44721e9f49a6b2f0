import threading

import pytest

from app.runs import queries, service
from app.runs.launch import (
    InputMissing,
    KeyReused,
    LaunchRequest,
    ParametersRefused,
    UnknownPipeline,
)
from app.runs.service import NothingToRetry, RunEndedAlready, RunNotFound
from app.runs.tables import Run
from tests.programs.installation import Toys

pytestmark = pytest.mark.both_databases


def request(**changes: object) -> LaunchRequest:
    fields = {"pipeline": "fan", "actor_id": "usr_1", "inputs": {}, **changes}
    return LaunchRequest(**fields)  # type: ignore[arg-type]


def count(toys: Toys) -> int:
    with toys.services.works.reading() as work:
        return work.session.query(Run).count()


def test_a_new_run_has_its_first_steps_ready_and_sent_after_the_commit(toys: Toys) -> None:
    run_id = toys.launch()
    detail = toys.detail(run_id)
    assert (detail.run.number, detail.run.status) == (1, "queued")
    assert toys.states(run_id) == {
        "prepare": "ready",
        "evaluate": "blocked",
        "gate": "blocked",
        "register": "blocked",
    }
    assert toys.inbox.sent == [(detail.steps[0].id, "cpu")]
    with toys.services.works.reading() as work:
        events = queries.events_after(work.session, run_id, 0)
    assert [event.seq for event in events] == [1, 2]


def test_a_launch_that_is_rolled_back_sends_nothing(toys: Toys) -> None:
    def launch_and_fail() -> None:
        with toys.services.works.writing() as work:
            toys.services.launcher.launch(
                work, actor_id="usr_1", pipeline="fan", inputs={}, parameters={}, subject_id="dv_1", label=""
            )
            raise RuntimeError

    with pytest.raises(RuntimeError):
        launch_and_fail()
    assert toys.inbox.sent == []
    assert count(toys) == 0


def test_a_recipe_and_an_override_are_resolved_into_the_run(toys: Toys) -> None:
    run_id = toys.launch(recipe="slow", parameters={"ticks": "7"})
    parameters = toys.detail(run_id).run.parameters
    assert (parameters["ticks"], parameters["seconds"]) == (7, 0.1)
    assert toys.detail(run_id).steps[0].spec["arguments"]["ticks"] == 7


def test_what_cannot_run_is_refused_before_a_run_exists(toys: Toys) -> None:
    with pytest.raises(UnknownPipeline, match="nonsense"):
        toys.start(request(pipeline="nonsense"))
    with pytest.raises(InputMissing, match="dataset"):
        toys.start(request(pipeline="toys"))
    with pytest.raises(ParametersRefused) as refused:
        toys.launch(parameters={"ticks": 0, "tick": 1})
    assert set(refused.value.details["problems"]) == {"ticks", "tick"}  # type: ignore[call-overload]
    with pytest.raises(ParametersRefused, match="quick"):
        toys.launch(recipe="quick")
    assert count(toys) == 0


def test_the_same_key_and_request_give_the_same_run(toys: Toys) -> None:
    first = toys.start(request(idempotency_key="k", label="one"))
    assert toys.start(request(idempotency_key="k", label="one")).id == first.id
    with pytest.raises(KeyReused, match="#1"):
        toys.start(request(idempotency_key="k", label="two"))
    assert toys.start(request(idempotency_key="k", label="one", actor_id="usr_2")).id != first.id
    assert toys.start(request(label="one")).id != first.id


def test_fifty_clicks_with_one_key_start_one_run(toys: Toys) -> None:
    found: list[str] = []
    click = request(idempotency_key="double")
    threads = [threading.Thread(target=lambda: found.append(toys.start(click).id)) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 50
    assert len(set(found)) == 1
    assert count(toys) == 1


def test_cancelling_what_waits_ends_the_run_at_once_and_twice_is_once(toys: Toys) -> None:
    run_id = toys.launch()
    for _ in range(2):
        with toys.services.works.writing() as work:
            service.cancel(work, toys.services, run_id, "usr_1")
    assert toys.detail(run_id).run.status == "cancelled"
    assert set(toys.states(run_id).values()) == {"cancelled"}
    assert toys.deliver() == 1
    assert toys.detail(run_id).steps[0].attempt == 0


def test_a_run_that_has_ended_cannot_be_cancelled_nor_a_good_one_retried(toys: Toys) -> None:
    run_id = toys.launch()
    toys.deliver()
    with pytest.raises(RunEndedAlready), toys.services.works.writing() as work:
        service.cancel(work, toys.services, run_id, "usr_1")
    with pytest.raises(NothingToRetry), toys.services.works.writing() as work:
        service.retry(work, toys.services, run_id, "usr_1")
    with pytest.raises(RunNotFound), toys.services.works.writing() as work:
        service.retry(work, toys.services, "run_none", "usr_1")


def test_a_retry_keeps_what_succeeded_and_every_earlier_attempt(toys: Toys) -> None:
    run_id = toys.launch(model="refused")
    toys.deliver()
    before = toys.detail(run_id)
    assert before.run.status == "failed"
    with toys.services.works.writing() as work:
        run = work.session.get_one(Run, run_id)
        run.model = "allowed"
        service.retry(work, toys.services, run_id, "usr_1")
    assert toys.states(run_id)["register"] == "ready"
    toys.deliver()
    detail = toys.detail(run_id)
    assert detail.run.status == "succeeded"
    assert [step.attempt for step in detail.steps] == [1, 1, 1, 2]
    assert [a.status for a in detail.attempts[detail.steps[3].id]] == ["failed", "succeeded"]
    assert detail.run.message == ""


def test_events_are_numbered_without_a_gap_and_progress_leaves_one(toys: Toys) -> None:
    run_id = toys.launch(parameters={"ticks": 30, "seconds": 0.1})
    toys.deliver()
    with toys.services.works.reading() as work:
        events = queries.events_after(work.session, run_id, 0)
        last = work.session.get_one(Run, run_id).event_seq
    assert [event.seq for event in events] == sorted({event.seq for event in events})
    assert events[-1].seq == last
    assert (events[-1].kind, events[-1].data["status"]) == ("run", "succeeded")
    progress = [event for event in events if event.kind == "progress"]
    assert len({event.step_id for event in progress}) == len(progress)
    assert progress[0].data["points"] == 30
