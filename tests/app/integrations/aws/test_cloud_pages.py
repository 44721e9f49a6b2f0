"""The cloud's pages and interface: for administrators, with words where something is wrong."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.core.security import Actor, Role
from app.core.services import Services
from app.integrations.aws import deeds, queries
from app.integrations.aws.prices import price_of
from app.integrations.aws.resources import note_resource, note_state
from tests.programs.cloud_house import furnish_cloud

ROLE = "arn:aws:iam::123456789012:role/FittingRoom"
SETTINGS = {"region": "eu-west-1", "role_arn": ROLE, "bucket": "shop-reviews"}
Browser = Callable[[str], TestClient]
PAGES = ("", "/resources", "/resources/deletion", "/prices")


@pytest.fixture
def admin(as_role: Browser) -> TestClient:
    client = as_role("admin")
    assert client.put("/api/v1/cloud", json=SETTINGS).status_code == 200
    return client


def endpoint(services: Services, name: str = "fittingroom-shop", type: str = "ml.m5.xlarge") -> str:
    with services.works.writing() as work:
        row = note_resource(
            work, "endpoint", name, region="eu-west-1", subject_id=None, instance_type=type, instance_count=2
        )
        note_state(work, row.id, "InService")
        return row.id


def test_what_is_wrong_stands_beside_its_field_and_nothing_is_saved(browser_as: Browser) -> None:
    browser = browser_as("admin")
    page = browser.post("/settings/cloud", data={**SETTINGS, "bucket": "s3://Shop", "region": "x"})
    assert page.status_code == 422
    assert "2 fields need another value" in page.text
    assert "without s3:// in front" in page.text
    assert "s3://Shop" in page.text, "what was typed is not lost"
    assert "Nothing to check yet" in browser.get("/settings/cloud").text


def test_saved_settings_stand_in_the_form_with_the_policies_made_from_them(browser_as: Browser) -> None:
    browser = browser_as("admin")
    answer = browser.post("/settings/cloud", data={**SETTINGS, "spot": "true"}, follow_redirects=True)
    assert "The cloud&#39;s settings were saved" in answer.text
    assert 'value="shop-reviews"' in answer.text
    assert "s3:::shop-reviews/fittingroom/*" in answer.text
    assert "pytorch-training:2.10-cpu-py313" in answer.text, "the image in use is told"
    policy = browser.get("/settings/cloud/policies/execution.json")
    assert policy.headers["content-disposition"] == 'attachment; filename="fittingroom-execution.json"'
    assert policy.json()["Version"] == "2012-10-17"


@pytest.mark.parametrize("page", PAGES)
def test_only_administrators_see_the_cloud(browser_as: Browser, page: str) -> None:
    assert browser_as("admin").get(f"/settings/cloud{page}").status_code == 200
    assert browser_as("approver").get(f"/settings/cloud{page}").status_code == 403


def test_a_full_cloud_is_shown_whole(services: Services, browser_as: Browser) -> None:
    furnish_cloud(services, Actor("usr_1", "anna", Role.ADMIN), "run_1", "mv_1")
    browser = browser_as("admin")
    settings = browser.get("/settings/cloud").text
    assert "1 permission is missing" in settings
    assert (
        settings.index("Failed</span>") < settings.index("Not tried</span>") < settings.index("Done</span>")
    )
    resources = browser.get("/settings/cloud/resources").text
    assert "$0.115" in resources, "the endpoint's price"
    assert "1 of unknown price" in resources, "and that of the job"
    assert "it still has packages" in resources
    assert "fittingroom-clothing-4" not in resources, "it is gone"
    assert "fittingroom-clothing-4" in browser.get("/settings/cloud/resources?state=deleted").text
    assert "fittingroom-somebody-elses" in resources
    deletion = browser.get("/settings/cloud/resources/deletion").text
    assert "Delete 6 resources at AWS" in deletion
    assert deletion.index("training-job") < deletion.index("endpoint<") < deletion.index("s3-prefix")


def test_a_check_is_ordered_once_and_told_while_it_waits(admin: TestClient, browser_as: Browser) -> None:
    first = admin.post("/api/v1/cloud/checks")
    assert first.status_code == 202
    assert admin.post("/api/v1/cloud/checks").json()["id"] == first.json()["id"]
    page = browser_as("admin").get("/settings/cloud").text
    assert "A worker takes it in a moment" in page
    assert 'hx-trigger="every 2s"' in page
    errand = admin.get(f"/api/v1/cloud/errands/{first.json()['id']}").json()
    assert (errand["kind"], errand["state"]) == ("check", "waiting")
    assert admin.get("/api/v1/cloud/errands/er_nothing").status_code == 404


def test_resources_are_listed_with_what_they_cost(services: Services, admin: TestClient) -> None:
    endpoint(services)
    endpoint(services, "fittingroom-odd", "ml.odd.xlarge")
    answer = admin.get("/api/v1/cloud/resources", params={"q": "shop"}).json()
    (row,) = answer["items"]
    assert row["dollars_per_hour"] == pytest.approx(2 * 0.257)
    assert (row["state"], row["bills_by_the_hour"]) == ("InService", True)
    (odd,) = admin.get("/api/v1/cloud/resources", params={"q": "odd"}).json()["items"]
    assert (odd["dollars_per_hour"], odd["bills_by_the_hour"]) == (None, True)
    assert admin.get("/settings/cloud/resources.json").json()["total"] == 2
    assert "fittingroom-odd" in admin.get("/settings/cloud/resources.csv?kind=endpoint").text


def test_deleting_needs_the_number_that_was_shown(services: Services, admin: TestClient) -> None:
    one = endpoint(services)
    endpoint(services, "fittingroom-other")
    assert admin.delete("/api/v1/cloud/resources", params={"expected": 1}).status_code == 409
    ordered = admin.delete(f"/api/v1/cloud/resources/{one}")
    assert ordered.status_code == 202
    assert ordered.json()["kind"] == "delete"
    assert admin.delete("/api/v1/cloud/resources/cr_nothing").status_code == 409


def test_a_price_of_ones_own_stands_above_the_shipped_one_and_can_be_taken_back(
    services: Services, browser_as: Browser
) -> None:
    browser = browser_as("admin")
    name = {"region": "us-east-1", "instance_type": "ml.m5.large", "usage": "hosting"}

    def price() -> float | None:
        with services.works.reading() as work:
            found = price_of(work, "us-east-1", "ml.m5.large", "hosting")
            return found.dollars_per_hour if found else None

    assert price() == 0.115
    browser.post("/settings/cloud/prices", data={**name, "dollars_per_hour": "0.12", "as_of": "2026-01-02"})
    assert price() == 0.12
    assert "2026-01-02" in browser.get("/settings/cloud/prices?q=ml.m5.large").text
    browser.post("/settings/cloud/prices", data={**name, "dollars_per_hour": ""})
    assert price() is None, "nobody knows"
    assert "unknown" in browser.get("/settings/cloud/prices?q=ml.m5.large").text
    browser.post("/settings/cloud/prices/deletion", data=name)
    assert price() == 0.115


@pytest.mark.parametrize(
    "change",
    [
        {"dollars_per_hour": "a lot"},
        {"dollars_per_hour": "-1"},
        {"dollars_per_hour": "nan"},
        {"as_of": "yesterday"},
        {"as_of": "2999-01-01"},
        {"usage": "gambling"},
        {"instance_type": "m5.large"},
        {"region": "here"},
    ],
    ids=lambda change: " ".join(f"{name} {value}" for name, value in change.items()),
)
def test_what_is_no_price_is_refused(admin: TestClient, change: Mapping[str, str]) -> None:
    good: dict[str, Any] = {"region": "us-east-1", "instance_type": "ml.m5.large", "usage": "hosting"}
    assert admin.put("/api/v1/cloud/prices", json={**good, "dollars_per_hour": 1}).status_code == 200
    assert admin.put("/api/v1/cloud/prices", json={**good, **change}).status_code == 422


def test_the_files_prices_say_when_and_where_they_were_read(admin: TestClient) -> None:
    items = admin.get("/api/v1/cloud/prices").json()["items"]
    assert len(items) >= 60
    assert all(row["source"].endswith("to be checked") and row["as_of"] for row in items)


def test_what_a_worker_is_to_do_is_known_to_the_workers(services: Services) -> None:
    from app.handlers import errand_doers

    assert set(deeds.DOERS) <= set(errand_doers())
    with services.works.reading() as work:
        assert queries.standing(work.session) == []
