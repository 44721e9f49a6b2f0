"""/metrics: whole, well formed, by template, and for nobody without a token."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from fastapi import FastAPI
from fastapi.testclient import TestClient
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

from app.core.services import Services
from app.main import create
from app.monitoring.collector import DatabaseCollector
from app.monitoring.tables import Schedule
from tests.app.monitoring.conftest import Copied
from tests.app.runs.staging import Stage
from tests.conftest import BASE_URL, PASSWORD

DOCS = Path(__file__).parents[3] / "docs" / "monitoring"
NAMES = re.compile(r"\b(?:fittingroom|process)_[a-z_]+\b")


def scraped(client: TestClient) -> dict[str, Metric]:
    answer = client.get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = list(text_string_to_metric_families(answer.text))
    assert len({family.name for family in families}) == len(families), "a name stands twice"
    return {family.name: family for family in families}


def value(found: dict[str, Metric], name: str, sample: str = "", **labels: str) -> float | None:
    samples = [each for each in found[name].samples if each.name == (sample or name)]
    return next((each.value for each in samples if labels.items() <= each.labels.items()), None)


def test_nobody_without_a_token_reads_them(client: TestClient) -> None:
    assert client.get("/metrics").status_code in (303, 401)


def test_requests_are_counted_by_the_template_of_their_route(as_role: Callable[..., TestClient]) -> None:
    client = as_role("viewer")
    client.get("/api/v1/runs/run_secret")
    client.get("/nowhere/secret")
    found = scraped(client)
    count = "fittingroom_http_requests_total"
    route = {"method": "GET", "route": "/api/v1/runs/{run_id}", "status": "404"}
    assert value(found, "fittingroom_http_requests", count, **route) == 1
    assert value(found, "fittingroom_http_requests", count, route="none", status="404") == 1
    times = "fittingroom_http_request_seconds"
    assert value(found, times, f"{times}_count", route="/api/v1/runs/{run_id}") == 1
    assert "secret" not in client.get("/metrics").text


def test_what_the_database_knows_is_told(services: Services, as_role: Callable[..., TestClient]) -> None:
    stage = Stage(services, "usr_1")
    version = stage.dataset()
    run, other = stage.launch(version), stage.launch(version, epochs=2)
    stage.lose(run, "prepare")
    stage.claim(run, "prepare")
    with services.works.writing() as work:
        counted = {"stored_files": 7, "stored_bytes": 4711}
        work.session.add(Schedule(name="collection", outcome=counted))
    found = scraped(as_role("viewer"))
    assert value(found, "fittingroom_runs", status="running") == 1
    assert value(found, "fittingroom_runs", status="queued") == 1
    assert value(found, "fittingroom_steps", state="leased", queue="io") or value(
        found, "fittingroom_steps", state="leased", queue="cpu"
    )
    assert value(found, "fittingroom_lease_reaps", "fittingroom_lease_reaps_total") == 1
    assert value(found, "fittingroom_attempts", "fittingroom_attempts_total", status="lost") == 1
    waits = [sample.value for sample in found["fittingroom_ready_step_seconds"].samples]
    assert len(waits) == 1, "one step waits: the other run's"
    assert waits[0] >= 0
    assert value(found, "fittingroom_database_up") == 1
    assert value(found, "fittingroom_stored_bytes") == 4711
    assert value(found, "fittingroom_disk_free_bytes", "fittingroom_disk_free_bytes"), "some"
    assert value(found, "fittingroom_build_info", version="0.1.0") == 1
    assert other


def test_a_second_scrape_right_after_costs_no_reading(services: Services) -> None:
    time = iter([0.0, *[1.0] * 20, *[100.0] * 20])
    collector = DatabaseCollector(services, clock=lambda: next(time))
    stage = Stage(services, "usr_1")
    version = stage.dataset()

    def runs() -> float:
        family = next(each for each in collector.collect() if each.name == "fittingroom_runs")
        return sum(sample.value for sample in family.samples)

    assert runs() == 0
    stage.launch(version)
    assert runs() == 0
    while runs() == 0:  # the clock given above moves on with each look
        pass
    assert runs() == 1


def test_a_database_that_is_away_leaves_its_figures_out_and_says_so(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    (services.settings.home / "main.db").rename(services.settings.home / "main.db.away")
    services.databases.main.engine.dispose()
    found = {each.name: each for each in DatabaseCollector(services).collect()}
    assert found["fittingroom_database_up"].samples[0].value == 0
    assert "fittingroom_runs" not in found
    assert found["fittingroom_disk_free_bytes"].samples[0].value > 0


def named_in_documents() -> Iterator[tuple[str, str]]:
    rules = yaml.safe_load((DOCS / "alerts.yml").read_text())
    for group in rules["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]
    board = json.loads((DOCS / "grafana.json").read_text())
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]


def test_alerts_and_dashboard_name_what_is_really_there(
    services: Services, app: FastAPI, as_role: Callable[..., TestClient]
) -> None:
    app.state.instruments.predicted("shop", "clothing v1", 1, 0.01)
    stage = Stage(services, "usr_1")
    stage.launch(stage.dataset())
    client = as_role("viewer")
    client.get("/api/v1/runs")
    there = {sample.name for family in scraped(client).values() for sample in family.samples}
    named = list(named_in_documents())
    assert len(named) > 15
    for where, expression in named:
        for name in NAMES.findall(expression):
            assert name in there, (where, name)


def test_predictions_are_counted_by_endpoint_and_version(house: Copied) -> None:
    with TestClient(create(house.services), base_url=BASE_URL) as client:
        client.post("/login", data={"name": "anna", "password": PASSWORD})
        reviews = {"inputs": ["Lovely dress", "Runs small"]}
        answer = client.post("/api/v1/endpoints/shop/predict", json=reviews)
        assert answer.status_code == 200, answer.text
        assert client.post("/api/v1/endpoints/nothing/predict", json=reviews).status_code == 404
        found = scraped(client)
    of = {"endpoint": "shop", "version": "clothing v2"}
    total = "fittingroom_predictions_total"
    assert value(found, "fittingroom_predictions", total, **of, status="answered") == 1
    assert value(found, "fittingroom_predicted_reviews", "fittingroom_predicted_reviews_total", **of) == 2
    times = "fittingroom_prediction_seconds"
    assert value(found, times, f"{times}_count", **of) == 1
    assert not any("nothing" in str(sample.labels) for sample in found["fittingroom_predictions"].samples)
