"""Deleting for good: what goes, what stays, what stands in the way; it happens whole or not at all."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.exc import DBAPIError

from app.core import outbox
from app.core.lineage import Edge
from app.core.security import Actor
from app.core.services import Services
from app.datasets.tables import Dataset, DatasetVersion, Upload
from app.endpoints.service import deploy
from app.handlers import outbox_senders
from app.keeping import deletion
from app.keeping.tables import Note, Tag
from app.registry.tables import Decision, Model, ModelVersion
from app.runs.tables import Attempt, LogChunk, MetricPoint, Run, RunEvent, Step
from tests.app.keeping.shelf import Shelf, imported

pytestmark = pytest.mark.both_databases

PAGE = {"Accept": "text/html"}


def address(subject_id: str, *parts: str) -> str:
    return "/".join(("/api/v1/subjects", subject_id, *parts))


@pytest.fixture
def admin(as_role: Callable[..., TestClient]) -> TestClient:
    return as_role("admin")


def reasons(client: TestClient, subject_id: str) -> list[str]:
    """Why it can't be deleted: as its JSON says, and as the refusal does, which must agree."""
    told: list[str] = client.get(address(subject_id)).json()["reasons"]
    refused = client.delete(address(subject_id))
    assert (refused.status_code, refused.json()["reasons"]) == (409, told)
    return told


def test_a_run_goes_with_everything_it_left_in_both_databases(admin: TestClient, shelf: Shelf) -> None:
    other = shelf.stage.launch(shelf.version_id)
    for run_id in (shelf.run_id, other):
        lease = shelf.stage.claim(run_id, "prepare") if run_id == other else None
        with shelf.services.works.telemetry_writing() as work:
            place = {"run_id": run_id, "step_id": lease.step_id if lease else "s", "attempt": 1}
            work.session.add(LogChunk(**place, line=1, text="a line"))
            work.session.add(MetricPoint(**place, step=1, name="loss", value=0.5))
    admin.put(address(shelf.run_id, "tags"), json={"tags": ["golden"]})
    assert admin.get(address(shelf.run_id)).json()["deletable"] is True
    assert admin.delete(address(shelf.run_id)).status_code == 204
    gone = {"run_id": shelf.run_id}
    for table in (Step, RunEvent, LogChunk, MetricPoint):
        assert shelf.count(table, **gone) == 0
        assert shelf.count(table, run_id=other) > 0 or table is Attempt
    assert shelf.count(Run, id=shelf.run_id) == shelf.count(Edge, target_id=shelf.run_id) == 0
    assert shelf.count(Tag) == 0
    assert admin.get(f"/api/v1/runs/{shelf.run_id}").status_code == 404
    assert admin.get(f"/api/v1/runs/{other}").status_code == 200
    (entry,) = shelf.audited("run.deleted")
    assert (entry["title"], entry["tags"]) == ("Run #2", ["golden"])
    assert set(entry["taken"][shelf.run_id]["artifacts"]) == {"prepare", "train", "evaluate"}


def test_logs_go_by_the_outbox_where_the_process_died_after_the_commit(shelf: Shelf) -> None:
    with shelf.services.works.telemetry_writing() as work:
        work.session.add(LogChunk(run_id=shelf.run_id, step_id="s", attempt=1, line=1, text="a line"))
    with shelf.services.works.writing() as work:
        deletion.delete(work, shelf.services, shelf.anna, shelf.run_id)
        work.session.commit()
        work.abandon()  # what was to come after the commit never does
    assert shelf.count(LogChunk, run_id=shelf.run_id) == 1
    outbox.deliver(shelf.services.works, outbox_senders(shelf.services))
    assert shelf.count(LogChunk, run_id=shelf.run_id) == 0


def test_a_run_that_works_imported_something_or_made_a_version_stays(admin: TestClient, shelf: Shelf) -> None:
    shelf.register()
    working = shelf.stage.launch(shelf.version_id)
    assert reasons(admin, working) == ["Run #3 is queued."]
    assert reasons(admin, shelf.import_id) == ["It imported clothing v1 and goes with that."]
    assert "clothing v1 was made from it." in reasons(admin, shelf.run_id)


def test_only_who_made_it_or_an_administrator_deletes(
    as_role: Callable[..., TestClient], shelf: Shelf, person: Callable[..., Actor]
) -> None:
    clients = [as_role(role) for role in ("editor", "approver")]
    before = shelf.content()
    for client in clients:
        answer = client.delete(address(shelf.run_id))
        assert answer.status_code == 403
        assert answer.json()["needed"] == "admin"
    assert shelf.content() == before
    with shelf.services.works.writing() as work:
        assert deletion.delete(work, shelf.services, shelf.anna, shelf.run_id).id == shelf.run_id


def test_a_person_types_the_name(browser_as: Callable[..., TestClient], shelf: Shelf) -> None:
    browser = browser_as("admin")
    url = f"/keeping/{shelf.run_id}/deletion"
    assert "Type “Run #2”" in browser.get(url).text
    for typed in ("", "run", "Run #1"):
        refused = browser.post(url, data={"typed": typed})
        assert refused.status_code == 422
    assert shelf.count(Run, id=shelf.run_id) == 1
    done = browser.post(url, data={"typed": " Run #2 "})
    assert (done.status_code, done.headers["location"]) == (303, "/runs")
    assert shelf.count(Run, id=shelf.run_id) == 0
    assert browser.get(url).status_code == 404


def test_a_version_that_nothing_was_made_from_leaves_a_tombstone(
    admin: TestClient, services: Services, shelf: Shelf
) -> None:
    version = imported(services, shelf.anna, "mistake")
    assert admin.delete(address(version.id)).status_code == 204
    left = admin.get(f"/api/v1/datasets/{version.dataset_id}/versions/1").json()
    assert (left["status"], left["rows"], left["artifact"], left["run_id"]) == ("deleted", 40, None, None)
    assert shelf.count(Run, id=version.run_id or "") == 0
    assert admin.get(f"/api/v1/datasets/{version.dataset_id}/versions/1/rejects").json()["items"] == []
    with services.works.reading() as work:
        upload = work.session.get_one(Upload, version.upload_id)
        assert (upload.tree_sha256, upload.peek["rows"]) == ("", [])
    assert admin.get(f"/uploads/{version.upload_id}").status_code == 404
    body = {"dataset": "mistake", "recipe": "quick"}
    assert admin.post("/api/v1/runs", json=body).status_code == 409
    assert admin.delete(address(version.id)).status_code == 409
    assert admin.put(address(version.id, "tags"), json={"tags": ["x"]}).status_code == 409
    (entry,) = shelf.audited("dataset_version.deleted")
    assert entry["taken"][version.id]["rows"] == 40


def test_a_version_that_was_used_is_archived_first_and_stays_named_by_its_runs(
    admin: TestClient, shelf: Shelf
) -> None:
    assert reasons(admin, shelf.version_id) == ["1 thing was made from it: archive it first."]
    pages = (
        f"/runs/{shelf.run_id}",
        f"/runs/{shelf.run_id}/report",
        "/runs",
        "/",
        "/launch",
        "/datasets",
        f"/datasets/{shelf.dataset_id}/v/1",
        f"/keeping/{shelf.version_id}",
        f"/keeping/{shelf.version_id}/deletion",
        f"/keeping/{shelf.dataset_id}",
        f"/launch?clone={shelf.run_id}",
    )
    before = {url: admin.get(url, headers=PAGE, follow_redirects=True).status_code for url in pages}
    admin.post(address(shelf.dataset_id, "archival"))  # with its data set, it is archived too
    assert admin.delete(address(shelf.version_id)).status_code == 204
    assert admin.get(f"/api/v1/runs/{shelf.run_id}").json()["dataset"]["name"] == "clothing"
    after = {url: admin.get(url, headers=PAGE, follow_redirects=True).status_code for url in pages}
    assert after == before
    assert {after["/"], after["/datasets"], after["/runs"], after[f"/runs/{shelf.run_id}"]} == {200}
    assert "deleted" in admin.get(f"/datasets/{shelf.dataset_id}/v/1", headers=PAGE).text


def test_a_run_on_deleted_data_is_not_tried_again(admin: TestClient, shelf: Shelf) -> None:
    failed = shelf.stage.launch(shelf.version_id)
    shelf.stage.fail(failed, "prepare", "It broke.")
    admin.post(address(shelf.version_id, "archival"))
    assert admin.delete(address(shelf.version_id)).status_code == 204
    refused = admin.post(f"/api/v1/runs/{failed}/retry")
    assert (refused.status_code, refused.json()["code"]) == (409, "data_deleted")


def test_what_rests_on_a_version_holds_it(
    admin: TestClient, shelf: Shelf, approve: Callable[..., None], person: Callable[..., Actor]
) -> None:
    admin.post(address(shelf.version_id, "archival"))
    working = shelf.stage.launch(shelf.version_id)
    assert reasons(admin, shelf.version_id) == ["Run #3 is queued."]
    admin.post(f"/api/v1/runs/{working}/cancellation")
    named = shelf.register()
    assert reasons(admin, shelf.version_id) == ["clothing v1 waits for a decision."]
    approve(named, person("approver"))
    assert reasons(admin, shelf.version_id) == ["clothing v1 is approved."]
    deploy(shelf.services, shelf.anna, "shop", "clothing", 1)
    assert reasons(admin, shelf.version_id) == ["clothing v1 answers on shop."]
    page = admin.get(f"/keeping/{shelf.version_id}/deletion", headers=PAGE).text
    assert "clothing v1 answers on shop." in page
    assert "Delete for good" not in page
    assert f'href="/runs/{shelf.run_id}"' in page


def test_a_data_set_goes_only_when_nothing_was_made_from_it(
    admin: TestClient, services: Services, shelf: Shelf
) -> None:
    assert "Run #2 was made from it." in reasons(admin, shelf.dataset_id)
    before = (shelf.count(Dataset), shelf.count(DatasetVersion), shelf.count(Upload), shelf.count(Run))
    versions = [imported(services, shelf.anna, "mistake") for _ in range(2)]
    admin.delete(address(versions[0].id))
    admin.put(address(versions[1].id, "note"), json={"text": "wrong file", "row_version": 0})
    assert admin.delete(address(versions[0].dataset_id)).status_code == 204
    after = (shelf.count(Dataset), shelf.count(DatasetVersion), shelf.count(Upload), shelf.count(Run))
    assert after == before
    assert shelf.count(Note) == shelf.count(Edge, target_id=versions[1].id) == 0
    assert admin.get("/api/v1/datasets/mistake").status_code == 404
    assert imported(services, shelf.anna, "mistake").number == 1


def test_a_model_version_goes_only_if_nobody_ever_approved_it(
    admin: TestClient, shelf: Shelf, approve: Callable[..., None], person: Callable[..., Actor]
) -> None:
    named, approver = shelf.register(), person("approver")
    assert reasons(admin, named.model.id) == ["It has versions: v1. Delete them first."]
    approve(named, approver)
    assert "It was approved: what was decided stays readable." in reasons(admin, named.version.id)
    deploy(shelf.services, shelf.anna, "shop", "clothing", 1)
    assert "shop was made from it." in reasons(admin, named.version.id)


def test_a_rejected_version_goes_with_its_decisions_and_its_run_names_it_no_more(
    admin: TestClient, shelf: Shelf, client: TestClient
) -> None:
    named = shelf.register()
    body = {"decision": "reject", "comment": "Too weak.", "row_version": 1}
    assert admin.post("/api/v1/models/clothing/versions/1/approval", json=body).status_code == 200
    assert admin.get(f"/api/v1/runs/{shelf.run_id}").json()["model_version"]["version"] == 1
    assert admin.delete(address(named.version.id)).status_code == 204
    assert shelf.count(ModelVersion) == shelf.count(Decision) == 0
    assert admin.get(f"/api/v1/runs/{shelf.run_id}").json()["model_version"] is None
    for url in (f"/runs/{shelf.run_id}", "/models", "/models/clothing", "/approvals", "/"):
        assert admin.get(url, headers=PAGE).status_code == 200, url
    (entry,) = shelf.audited("model_version.deleted")
    assert entry["taken"][named.version.id]["decisions"][0]["comment"] == "Too weak."
    assert admin.delete(address(named.model.id)).status_code == 204
    assert shelf.count(Model) == 0
    assert admin.delete(address(shelf.run_id)).status_code == 204


@pytest.mark.parametrize("table", ["upload", "dataset_version", "dataset", "audit_entry", "outbox_message"])
def test_what_fails_in_the_middle_leaves_everything(shelf: Shelf, services: Services, table: str) -> None:
    version = imported(services, shelf.anna, "mistake")
    verb = "INSERT" if table in ("audit_entry", "outbox_message") else "DELETE"
    shelf.refuse(verb, table)
    before = shelf.content()
    with pytest.raises(DBAPIError, match="refused"), services.works.writing() as work:
        deletion.delete(work, services, shelf.anna, version.dataset_id)
    assert shelf.content() == before
    assert shelf.count(Run, id=version.run_id or "") == 1
