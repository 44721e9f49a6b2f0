"""The lists of models and versions: what they are narrowed to, in which order, and as files."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from app.core.security import Actor
from app.core.services import Services
from app.registry.queries import NamedVersion
from app.registry.service import set_live
from tests.app.registry.test_deciding import flip_a_byte
from tests.reading import Page, shown

pytestmark = pytest.mark.both_databases

Register = Callable[..., NamedVersion]
Client = Callable[..., TestClient]


@pytest.fixture
def stocked(
    register: Register,
    approve: Callable[..., None],
    person: Callable[..., Actor],
    services: Services,
    browser_as: Client,
) -> TestClient:
    """An editor. Model "clothing": v1 weak and live, v2 waiting, v3 void; model "shoes": v1 waiting."""
    author, boss = person("editor", "anna"), person("approver", "boss")
    first = register(author, step="1", taught=12)
    approve(first, boss)
    with services.works.writing() as work:
        set_live(work, first.version.id, "shop", live=True)
    register(author, step="2")
    register(author, step="4", model="shoes", taught=30)
    third = register(author, step="3", taught=60)
    client = browser_as("editor", "emil")
    flip_a_byte(services, third, "spec.json")
    client.post("/models/clothing/versions/3/verification")
    return client


def models_of(page: Page) -> list[str]:
    return [cell.text for cell in page.all("tbody td b")]


def versions_of(page: Page) -> list[str]:
    return [cell.text for cell in page.all("tbody td.lead a")]


def test_a_model_shows_its_newest_version_and_what_is_live(stocked: TestClient) -> None:
    row = shown(stocked, "/models").all("tbody tr")[0]
    assert row.text.startswith("clothing v3 Voided")
    assert "v1 on shop" in row.text
    assert row.all("td")[8].text == "3"


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["clothing", "shoes"]),
        ("?sort=-updated", ["clothing", "shoes"]),
        ("?q=SHO", ["shoes"]),
        ("?status=PendingManualApproval", ["shoes"]),
        ("?status=voided", ["clothing"]),
        ("?status=live", ["clothing"]),
        ("?tag=none", []),
        ("?archived=1", []),
    ],
)
def test_models_are_narrowed_by_their_address(stocked: TestClient, query: str, names: list[str]) -> None:
    page = shown(stocked, f"/models{query}")
    assert models_of(page) == names
    assert stocked.get(f"/models.json{query}").json()["total"] == len(names)
    assert [each["name"] for each in stocked.get(f"/api/v1/models{query}").json()["items"]] == names


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", ["v3", "v2", "v1"]),
        ("?status=Approved", ["v1"]),
        ("?status=live", ["v1"]),
        ("?status=voided", ["v3"]),
        ("?q=v2", ["v2"]),
        ("?q=run_3", ["v3"]),
        ("?q=v99999999999999999999", []),
    ],
)
def test_versions_are_narrowed_by_their_address(stocked: TestClient, query: str, numbers: list[str]) -> None:
    assert versions_of(shown(stocked, f"/models/clothing{query}")) == numbers
    rows = stocked.get(f"/models/clothing/versions.json{query}").json()["items"]
    assert [f"v{row['version']}" for row in rows] == numbers


def test_versions_in_the_order_of_a_metric(stocked: TestClient) -> None:
    rows = stocked.get("/models/clothing/versions.json?sort=-macro_f1").json()["items"]
    assert len(rows) == 3
    values = [row["macro_f1"] for row in rows]
    assert values == sorted(values, reverse=True)
    assert values[0] > values[-1]


@pytest.mark.parametrize("query", ["?sort=colour", "?status=good"])
def test_what_can_not_be_asked_is_refused(stocked: TestClient, query: str) -> None:
    for url in ("/models", "/models/clothing", "/models.csv"):
        assert stocked.get(f"{url}{query}").status_code == 422


def test_tags_and_the_archive_narrow_both_lists(stocked: TestClient) -> None:
    version = stocked.get("/models/clothing/versions.json?q=v2").json()["items"][0]["id"]
    model = stocked.get("/models.json?q=shoes").json()["items"][0]["id"]
    for subject in (version, model):
        assert stocked.post(f"/keeping/{subject}/tags", data={"tags": "summer"}).status_code == 303
    assert models_of(shown(stocked, "/models?tag=summer")) == ["shoes"]
    assert versions_of(shown(stocked, "/models/clothing?tag=summer")) == ["v2"]
    stocked.post(f"/keeping/{model}/archival")
    assert models_of(shown(stocked, "/models")) == ["clothing"]
    assert models_of(shown(stocked, "/models?archived=1")) == ["shoes"]


def test_an_archived_version_is_not_asked_about_any_more(stocked: TestClient) -> None:
    version = stocked.get("/models/clothing/versions.json?q=v2").json()["items"][0]["id"]
    assert "clothing v2" in stocked.get("/approvals").text
    stocked.post(f"/keeping/{version}/archival")
    assert versions_of(shown(stocked, "/models/clothing")) == ["v3", "v1"]
    assert "clothing v2" not in stocked.get("/approvals").text


def test_the_tabs_count_the_states(stocked: TestClient) -> None:
    tabs = [tab.text for tab in shown(stocked, "/models/clothing").all(".tabs a")]
    assert tabs == ["All 3", "Pending 1", "Approved 1", "Rejected 0", "Voided 1", "Live 1"]


def test_a_difference_from_what_is_live_says_whether_it_may_be_chance(stocked: TestClient) -> None:
    rows = {row["version"]: row for row in stocked.get("/models/clothing/versions.json").json()["items"]}
    assert rows[1]["difference_from_live"] is None
    assert rows[2]["difference_from_live"] == pytest.approx(rows[2]["macro_f1"] - rows[1]["macro_f1"])
    cells = {row.all("td")[0].text: row.all("td")[4].text for row in _rows(stocked)}
    apart = rows[2]["macro_f1_low"] > rows[1]["macro_f1_high"]
    assert apart
    assert cells["v2"].startswith("+")
    assert cells["v1"] == "–"


def _rows(client: TestClient) -> list[Page]:
    return shown(client, "/models/clothing").all("section table tbody tr")  # type: ignore[return-value]


def test_the_curve_over_the_versions_comes_as_a_file(stocked: TestClient) -> None:
    page = shown(stocked, "/models/clothing")
    address = page.one("#fig-versions a[download]")["href"]
    lines = stocked.get(address).text.splitlines()
    assert len(lines) == 4
    assert not shown(stocked, "/models/shoes").all("figure")  # one point is no curve
    assert stocked.get("/models/shoes/figures/versions.csv").status_code == 404
    assert stocked.get("/models/clothing/figures/none.csv").status_code == 404


def test_a_model_in_pages(stocked: TestClient) -> None:
    answer = stocked.get("/api/v1/models?limit=1").json()
    assert (answer["total"], answer["next"]) == (2, "1")
    rest = stocked.get(f"/api/v1/models?limit=1&cursor={answer['next']}").json()
    assert ([each["name"] for each in rest["items"]], rest["next"]) == (["shoes"], None)


def test_text_that_spreadsheets_would_run_stays_text(
    register: Register, person: Callable[..., Actor], browser_as: Client
) -> None:
    register(person("editor", "=cmd()"))
    rows = browser_as("viewer").get("/models/clothing/versions.csv").text.splitlines()
    assert "'=cmd()" in rows[1]
