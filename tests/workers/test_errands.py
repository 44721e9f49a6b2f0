"""Errands with doers of the tests: taken once, put off, stopped, taken again from a worker that is gone."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from app.core.database import now
from app.core.errors import Conflict, Unavailable
from app.core.security import Actor, Role
from app.core.services import Services
from app.core.work import Work
from app.integrations.errands import queries, service
from app.integrations.errands.doing import Call, Doer
from app.integrations.errands.service import NothingToStop, UnderWay
from app.integrations.errands.tables import Errand, ErrandState
from workers import errands as working
from workers.errands import Errands

pytestmark = pytest.mark.both_databases
EDDA = Actor("usr_edda", "edda", Role.EDITOR)


class Hands:
    """Orders errands and does them here, with ``doer``."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def order(self, kind: str = "fetch", subject: str = "dv_1") -> str:
        with self.services.works.writing() as work:
            return service.order_alone(work, EDDA, kind, subject, {"way": 1}, ["fetch", "bring"]).id

    def do(self, doer: Doer) -> bool:
        return Errands(self.services, {"fetch": doer, "bring": doer}, "worker-1").do_one()

    def errand(self, errand_id: str) -> Errand:
        with self.services.works.reading() as work:
            return work.session.get_one(Errand, errand_id)

    def change(self, errand_id: str, change: Callable[[Work, Errand], None]) -> None:
        with self.services.works.writing() as work:
            change(work, work.session.get_one(Errand, errand_id))


@pytest.fixture
def hands(services: Services) -> Hands:
    return Hands(services)


def test_an_errand_is_done_once_and_its_result_kept(hands: Hands) -> None:
    errand_id = hands.order()
    calls: list[Call] = []

    def fetch(_: Services, call: Call) -> Mapping[str, Any]:
        calls.append(call)
        call.report(1, 2, "half way")
        assert hands.errand(errand_id).message == "half way"
        call.report(2, 2, "there")
        return {"rows": 3}

    assert hands.do(fetch)
    assert not hands.do(fetch)
    done = hands.errand(errand_id)
    assert (done.state, done.result, done.owner, done.done, done.total) == (
        ErrandState.DONE,
        {"rows": 3},
        None,
        2,
        2,
    )
    assert [(call.subject_id, call.actor_id, call.details) for call in calls] == [
        ("dv_1", "usr_edda", {"way": 1})
    ]


def test_what_is_away_is_tried_again_and_what_is_refused_is_not(hands: Hands) -> None:
    errand_id = hands.order()

    def away(_: Services, call: Call) -> Mapping[str, Any]:
        raise Unavailable("AWS does not answer.", "Look at the network.")

    def refused(_: Services, call: Call) -> Mapping[str, Any]:
        raise Conflict("AWS refused.", "Ask for permission.")

    assert hands.do(away)
    waiting = hands.errand(errand_id)
    assert (waiting.state, waiting.message) == (ErrandState.WAITING, "AWS does not answer.")
    assert waiting.advice.endswith("Look at the network.")
    assert not hands.do(refused), "not before its pause has passed"
    hands.change(errand_id, lambda _, errand: setattr(errand, "not_before", None))
    assert hands.do(refused)
    failed = hands.errand(errand_id)
    assert (failed.state, failed.message, failed.advice) == (
        ErrandState.FAILED,
        "AWS refused.",
        "Ask for permission.",
    )


def test_what_stays_away_fails_in_the_end(hands: Hands) -> None:
    errand_id = hands.order()

    def away(_: Services, call: Call) -> Mapping[str, Any]:
        raise Unavailable("AWS does not answer.", "")

    hands.change(errand_id, lambda _, errand: setattr(errand, "fence", working.TRIES - 1))
    assert hands.do(away)
    assert hands.errand(errand_id).state == ErrandState.FAILED


def test_a_failure_nobody_foresaw_is_told(hands: Hands) -> None:
    errand_id = hands.order()

    def broken(_: Services, call: Call) -> Mapping[str, Any]:
        raise ZeroDivisionError

    assert hands.do(broken)
    assert hands.errand(errand_id).state == ErrandState.FAILED
    assert "ZeroDivisionError" in hands.errand(errand_id).message


def test_one_that_nobody_took_is_cancelled_at_once_and_one_at_work_at_its_next_beat(
    hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working, "BEAT_SECONDS", 0.05)
    waiting, taken = hands.order(subject="dv_1"), hands.order(subject="dv_2")
    hands.change(waiting, service.cancel)
    assert hands.errand(waiting).state == ErrandState.CANCELLED

    def endless(_: Services, call: Call) -> Mapping[str, Any]:
        hands.change(taken, service.cancel)
        call.pause(600)
        raise AssertionError("nobody stopped it")

    assert hands.do(endless)
    assert hands.errand(taken).state == ErrandState.CANCELLED
    with pytest.raises(NothingToStop):
        hands.change(taken, service.cancel)


def test_a_worker_that_lost_its_errand_changes_nothing(hands: Hands) -> None:
    """Its lease runs out, another takes it and ends it; the first one comes back with an older fence."""
    errand_id = hands.order()
    lost, ended = threading.Event(), threading.Event()

    def slow(_: Services, call: Call) -> Mapping[str, Any]:
        lost.set()
        assert ended.wait(60)
        return {"by": "the first"}

    first = threading.Thread(target=hands.do, args=(slow,))
    first.start()
    assert lost.wait(60)
    with hands.services.works.writing() as work:
        work.session.get_one(Errand, errand_id).lease_until = now(-1)  # type: ignore[assignment]
    assert hands.do(lambda *_: {"by": "the second"})
    ended.set()
    first.join(60)
    found = hands.errand(errand_id)
    assert (found.state, found.result, found.fence) == (ErrandState.DONE, {"by": "the second"}, 2)


def test_one_at_a_time_of_a_kind_and_the_same_again_is_the_same(hands: Hands) -> None:
    first = hands.order("fetch")
    assert hands.order("fetch") == first
    with pytest.raises(UnderWay):
        hands.order("bring")
    assert hands.order("fetch", subject="dv_2") != first
    assert hands.do(lambda *_: {})
    assert hands.order("bring") != first


def test_a_kind_that_this_worker_does_not_know_is_left_alone(hands: Hands) -> None:
    with hands.services.works.writing() as work:
        errand_id = service.order(work, EDDA, "unheard-of", "dv_1", {}).id
    assert not hands.do(lambda *_: {})
    assert hands.errand(errand_id).state == ErrandState.WAITING


def test_an_id_opens_only_what_it_belongs_to(hands: Hands) -> None:
    errand_id = hands.order()
    with hands.services.works.reading() as work:
        assert service.find(work, errand_id, "dv_1", "fetch").id == errand_id
        assert queries.newest(work.session, "dv_1", ["fetch"]) is not None
        for subject, kind in (("dv_2", "fetch"), ("dv_1", "bring")):
            with pytest.raises(service.ErrandNotFound):
                service.find(work, errand_id, subject, kind)
