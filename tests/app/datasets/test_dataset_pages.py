"""Data sets in the browser: plain forms, no script."""

import re
from collections.abc import Callable
from pathlib import Path

from fastapi.testclient import TestClient

from app.core.services import Services
from app.datasets import queries
from tests.app.datasets.importing import REVIEWS, push_ready, work_off

Browser = Callable[..., TestClient]


def upload(browser: TestClient, content: bytes = REVIEWS, name: str = "dresses") -> str:
    answer = browser.post("/uploads", data={"name": name}, files={"file": ("reviews.csv", content)})
    assert answer.status_code == 303, answer.text
    location: str = answer.headers["location"]
    return location.partition("?")[0]


def version_id(page: str) -> str:
    found = re.search(r'data-copy="(dv_\w+)"', page)
    assert found
    return found[1]


def test_upload_choose_columns_import(browser_as: Browser, services: Services) -> None:
    browser = browser_as("editor")
    assert "No data sets yet" in browser.get("/datasets").text
    assert 'enctype="multipart/form-data"' in browser.get("/datasets/new").text
    address = upload(browser)
    page = browser.get(address)
    assert page.status_code == 200
    assert "a review of dress number 3" in page.text
    assert '<option value="rating" selected>' in page.text
    swapped = browser.get(f"{address}?text=title&title=text&rating=rating&name=other").text
    assert '<option value="title" selected>' in swapped
    assert 'value="other"' in swapped
    form = {"name": "dresses", "text": "text", "title": "title", "rating": "rating", "label": ""}
    begun = browser.post(f"{address}/import", data=form)
    assert begun.status_code == 303, begun.text
    importing = browser.get(begun.headers["location"]).text
    assert "dresses v1 is being imported" in importing
    assert "The import is queued" in importing
    assert "Cancel import" in importing
    work_off(services, version_id(importing))
    ready = browser.get(begun.headers["location"]).text
    assert "Launch a run on v1" in ready
    assert "every row of the file was kept" in ready
    assert "negative" in ready
    assert ">40<" in browser.get("/datasets").text
    assert begun.headers["location"] in browser.get("/datasets/dresses").text


def test_a_mapping_without_a_text_is_shown_again_with_what_is_missing(browser_as: Browser) -> None:
    browser = browser_as("editor")
    address = upload(browser)
    answer = browser.post(f"{address}/import", data={"name": "dresses", "text": "", "rating": "rating"})
    assert answer.status_code == 422
    assert "No column holds the text" in answer.text
    preview = browser.get(f"{address}?text=&rating=rating")
    assert preview.status_code == 200
    assert "Choose a column for the text" in preview.text


def test_a_file_that_cannot_be_used_is_said_on_the_form(browser_as: Browser) -> None:
    browser = browser_as("editor")
    answer = browser.post("/uploads", data={"name": "x"}, files={"file": ("x.csv", b"")})
    assert answer.status_code == 422
    assert "The file is empty" in answer.text
    assert 'value="x"' in answer.text
    assert "No data sets yet" in browser.get("/datasets").text


def test_rejects_and_confirmation(browser_as: Browser, services: Services) -> None:
    browser = browser_as("editor")
    version = push_ready(browser, services, REVIEWS + b",5,no text\n<script>alert(1)</script>,9,x\n" * 3)
    address = f"/datasets/{version['dataset_id']}/v/{version['version']}"
    page = browser.get(address).text
    assert "13.0 % of the rows were rejected: look at them first" in page
    assert "3 × no text" in page
    assert "3 × the rating is not a whole number from 1 to 5" in page
    assert "&lt;script&gt;" in page
    assert "<script>alert" not in page
    listed = browser.get(f"{address}/rejects").text
    assert "rejects.csv" in listed
    assert listed.count("<tr><td") == 6
    assert "Launch a run on" not in page
    assert browser.post(f"{address}/confirmation").headers["location"] == address
    assert "Launch a run on v1" in browser.get(address).text
    assert browser.post(f"{address}/confirmation").status_code == 409


def test_the_sample_is_generated_where_none_is_set_and_loaded_once(
    browser_as: Browser, services: Services
) -> None:
    browser = browser_as("editor")
    first = browser.post("/datasets/sample")
    assert first.status_code == 303
    page = browser.get(first.headers["location"]).text
    assert "generated-sample" in page
    work_off(services, version_id(page))
    assert ">600<" in browser.get(first.headers["location"]).text
    assert browser.post("/datasets/sample").headers["location"] == first.headers["location"]


def test_a_set_sample_is_the_one_that_is_loaded(
    browser_as: Browser, services: Services, tmp_path: Path
) -> None:
    file = tmp_path / "real.csv"
    file.write_bytes(REVIEWS)
    services.settings.sample = file
    browser = browser_as("editor")
    address = browser.post("/datasets/sample").headers["location"]
    assert "sample-reviews" in browser.get(address).text
    assert "real.csv" in browser.get(address).text
    assert file.exists()


def test_viewers_look_and_do_not_touch(browser_as: Browser, services: Services) -> None:
    version = push_ready(browser_as("editor"), services)
    viewer = browser_as("viewer")
    page = viewer.get(f"/datasets/{version['dataset_id']}/v/1")
    assert page.status_code == 200
    assert "Launch a run on" not in page.text
    for path in ("/uploads", "/uploads/up_x/import", "/uploads/up_x/discard", "/datasets/sample"):
        assert viewer.post(path).status_code == 403
    for verb in ("confirmation", "discard", "cancellation"):
        assert viewer.post(f"/datasets/x/v/1/{verb}").status_code == 403
    assert viewer.get("/datasets/new").status_code == 403
    assert viewer.get("/datasets/x/v/1").status_code == 404


def test_while_it_is_read_a_script_asks_for_the_progress_until_it_ends(
    browser_as: Browser, services: Services
) -> None:
    browser = browser_as("editor")
    address = upload(browser)
    location = browser.post(f"{address}/import", data={"name": "d"}).headers["location"]
    page = browser.get(location).text
    block = browser.get(location, headers={"HX-Request": "true"})
    assert 'id="progress"' in block.text
    assert "<html" not in block.text
    work_off(services, version_id(page))
    ended = browser.get(location, headers={"HX-Request": "true"})
    assert (ended.status_code, ended.headers["hx-refresh"]) == (204, "true")


def test_a_damaged_shard_is_told_as_such(browser_as: Browser, as_role: Browser, services: Services) -> None:
    ready = push_ready(as_role("editor"), services)
    with services.works.reading() as work:
        found = queries.version_by_id(work.session, ready["id"])
    assert found is not None
    shard = services.storage.tree(found.version.tree_sha256 or "").find("reviews-00000.parquet")
    path = services.storage.local_path(shard.sha256)
    path.chmod(0o644)
    path.write_bytes(b"no Parquet any more")
    page = browser_as("viewer").get("/datasets/dresses/v/1")
    assert page.status_code == 500
    assert "An artifact is damaged" in page.text
    assert "Restore it from a backup" in page.text
