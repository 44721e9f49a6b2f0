"""Who is told of what: within the transaction that causes it, and never of one's own deed."""

import contextlib
from collections.abc import Callable

import pytest

from app.accounts import preferences
from app.core.security import Actor
from app.core.services import RunMove, Services
from app.datasets.tables import DatasetVersion, VersionStatus
from app.notices import events, service
from app.notices.tables import Kind, Notice
from app.registry import approval
from app.registry.queries import NamedVersion
from app.registry.tables import ApprovalStatus
from app.runs import service as runs
from tests.app.runs.staging import Stage

pytestmark = pytest.mark.both_databases

Person = Callable[..., Actor]
Told = Callable[[str], list[Notice]]
Register = Callable[..., NamedVersion]


def _said(notices: list[Notice]) -> list[tuple[str, str]]:
    return [(notice.kind, notice.title) for notice in notices]


def test_the_author_of_a_run_is_told_how_it_ended(stage: Stage, author: Actor, told: Told) -> None:
    version = stage.dataset()
    done, closed, failed = (stage.launch(version) for _ in range(3))
    stage.train(done)
    stage.train(closed, passed=False)
    stage.fail(failed, "prepare", "No text column.", "Map one.")
    notices = told(author.id)
    assert [notice.kind for notice in notices] == [Kind.RUN_FAILED, Kind.GATE_CLOSED, Kind.RUN_SUCCEEDED]
    assert [notice.url for notice in notices] == [f"/runs/{failed}", f"/runs/{closed}", f"/runs/{done}"]
    assert notices[0].title.endswith("failed")
    assert "No text column. Map one." in notices[0].text
    assert "accuracy 0.31 is below 0.33" in notices[1].text


def test_who_cancels_their_own_run_is_not_told_and_its_author_is_told_by_whom(
    services: Services, stage: Stage, author: Actor, person: Person, told: Told
) -> None:
    other, version = person("editor", "erik"), stage.dataset()
    for actor in (author, other):
        run = stage.launch(version)
        with services.works.writing() as work:
            runs.cancel(work, services, run, actor.id)
    (only,) = told(author.id)
    assert only.kind == Kind.RUN_CANCELLED
    assert "erik cancelled it." in only.text
    assert told(other.id) == []


def test_a_transaction_that_fails_tells_nobody(
    services: Services, stage: Stage, author: Actor, told: Told
) -> None:
    run = stage.launch(stage.dataset())
    move = RunMove(run, 1, "review-classifier", "", "failed", "It broke.", author.id, None)
    with contextlib.suppress(ZeroDivisionError), services.works.writing() as work:
        events.run_moved(work, move)
        raise ZeroDivisionError
    assert told(author.id) == []


@pytest.mark.parametrize(
    ("status", "rejected", "run", "kind", "title"),
    [
        (VersionStatus.READY, 3, "succeeded", Kind.IMPORT_READY, "clothing v1 is ready"),
        (
            VersionStatus.NEEDS_CONFIRMATION,
            900,
            "succeeded",
            Kind.IMPORT_DOUBTFUL,
            "clothing v1 waits for confirmation",
        ),
        (VersionStatus.FAILED, 0, "failed", Kind.IMPORT_FAILED, "clothing v1 could not be imported"),
    ],
)
def test_an_import_is_told_as_what_became_of_the_data_set(
    services: Services,
    stage: Stage,
    author: Actor,
    told: Told,
    status: VersionStatus,
    rejected: int,
    run: str,
    kind: Kind,
    title: str,
) -> None:
    version_id = stage.dataset()
    with services.works.writing() as work:
        version = work.session.get_one(DatasetVersion, version_id)
        version.status, version.rejected = status, rejected
    move = RunMove("run_9", 9, "dataset-import", "clothing v1", run, "It broke.", author.id, version_id)
    with services.works.writing() as work:
        events.run_moved(work, move)
    (notice,) = told(author.id)
    assert (notice.kind, notice.title) == (kind, title)
    assert notice.url.endswith("/v/1")


def test_those_who_may_decide_are_told_until_somebody_has(
    services: Services, author: Actor, person: Person, register: Register, told: Told
) -> None:
    anna, bert = person("approver", "anna"), person("admin", "bert")
    viewer = person("viewer", "vera")
    named = register(author)
    assert [_said(told(each.id)) for each in (anna, bert)] == [
        [(Kind.VERSION_WAITS, "clothing v1 waits for a decision")]
    ] * 2
    assert told(viewer.id) == []
    approval.decide(
        services, named.version.id, anna, after=ApprovalStatus.REJECTED, comment="Too slow.", row_version=1
    )
    (notice,) = told(author.id)
    assert (notice.title, notice.text) == ("clothing v1 was rejected by anna", "Too slow.")
    assert told(bert.id)[0].read_at is not None, "nothing waits for him any more"


def test_an_approver_is_not_asked_to_decide_on_their_own(
    person: Person, register: Register, told: Told
) -> None:
    anna, bert = person("approver", "anna"), person("approver", "bert")
    register(anna)
    assert told(anna.id) == []
    assert len(told(bert.id)) == 1


def test_a_void_version_is_told_to_its_author_and_those_who_decide(
    services: Services, author: Actor, person: Person, register: Register, told: Told
) -> None:
    anna = person("approver", "anna")
    named = register(author)
    approval.void(services, named.version.id, "model.onnx has changed.", approval.SYSTEM)
    assert _said(told(author.id)) == [(Kind.VERSION_VOIDED, "clothing v1 is void")]
    assert told(anna.id)[0].text == "model.onnx has changed."


def test_what_a_person_switched_off_is_not_told_and_the_disabled_are_not_either(
    services: Services, stage: Stage, author: Actor, told: Told
) -> None:
    with services.works.writing() as work:
        preferences.choose(work, author.id, service.PREFERENCE + Kind.RUN_FAILED, service.OFF)
    version = stage.dataset()
    stage.fail(stage.launch(version), "prepare", "No text column.")
    assert told(author.id) == []
    with services.works.writing() as work:
        preferences.choose(work, author.id, service.PREFERENCE + Kind.RUN_FAILED, "")
    stage.fail(stage.launch(version), "prepare", "No text column.")
    assert len(told(author.id)) == 1


def test_nobody_who_is_not_a_user_is_told(services: Services, stage: Stage) -> None:
    move = RunMove("run_9", 9, "review-classifier", "", "failed", "", "usr_gone", None)
    with services.works.writing() as work:
        events.run_moved(work, move)
        assert work.session.query(Notice).count() == 0


def test_after_ninety_days_a_notice_goes_when_the_next_one_comes(
    services: Services, stage: Stage, author: Actor, told: Told
) -> None:
    version = stage.dataset()
    stage.fail(stage.launch(version), "prepare", "An old story.")
    with services.works.writing() as work:
        work.session.query(Notice).update({"at": told(author.id)[0].at.replace(year=2020)})
    stage.fail(stage.launch(version), "prepare", "A new one.")
    assert ["A new one" in notice.text for notice in told(author.id)] == [True]
