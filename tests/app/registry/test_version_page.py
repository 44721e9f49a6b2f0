"""The page of a version: card, figures, files, use, and reading the evidence again."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.core.security import Actor
from app.core.services import Services
from app.registry.queries import NamedVersion
from ml.serving.predictor import Predictor, ReviewInput
from tests.app.registry.test_deciding import flip_a_byte
from tests.reading import Page, shown

Register = Callable[..., NamedVersion]
Person = Callable[..., Actor]
Client = Callable[..., TestClient]
URL = "/models/clothing/versions/1"


@pytest.fixture
def named(register: Register, person: Person) -> NamedVersion:
    return register(person("editor", "anna"), fields=("text", "title"))


def test_the_card_is_made_of_what_is_recorded(named: NamedVersion, browser_as: Client) -> None:
    page = shown(browser_as("viewer"), URL)
    card = page.one("section[aria-labelledby=h-card]").text
    assert "Reads the text and the title of a customer’s review" in card
    assert "negative, neutral, positive" in card
    assert "Tokens read 16." in card
    assert named.version.evidence["dataset"]["content_sha256"][:12] in card
    assert f"n = {named.version.evaluation['metrics']['accuracy']['n']}" in card


def test_the_card_comes_as_markdown_with_note_and_decisions(
    named: NamedVersion, browser_as: Client, approve: Callable[..., None], person: Person
) -> None:
    approve(named, person("approver", "boss"))
    client = browser_as("editor", "emil")
    client.post(f"/keeping/{named.version.id}/note", data={"note": "Only for shops.", "row_version": 0})
    answer = client.get(f"{URL}/card.md")
    assert answer.headers["content-disposition"] == 'attachment; filename="clothing-v1.md"'
    assert answer.text.startswith("# clothing v1\n")
    for part in ("## Limits", "Only for shops.", "Approved by boss", named.version.evidence_sha256):
        assert part in answer.text


def test_figures_stand_beside_those_of_the_baseline_and_of_what_is_live(
    named: NamedVersion, register: Register, approve: Callable[..., None], person: Person, browser_as: Client
) -> None:
    client = browser_as("editor", "emil")
    heads = [each.text for each in shown(client, URL).all("section[aria-labelledby=h-metrics] .scroll th")]
    assert "From baseline" in heads
    assert "From live" not in heads
    approve(named, person("approver", "boss"))
    register(person("editor", "carl"), step="2", taught=12)
    client.post("/deployments", data={"endpoint": "shop", "pick": "clothing@1"})
    page = shown(client, "/models/clothing/versions/2")
    assert "v1, live" in page.one("section[aria-labelledby=h-metrics]").text
    lines = client.get(page.one("#fig-metrics a[download]")["href"]).text.splitlines()
    assert len(lines) == 1 + 5  # two headlines, three classes
    assert client.get("/models/clothing/versions/2/figures/none.csv").status_code == 404


def test_all_files_come_as_one_archive(named: NamedVersion, browser_as: Client, services: Services) -> None:
    answer = browser_as("viewer").get(f"{URL}/files.zip")
    assert answer.headers["content-disposition"] == 'attachment; filename="clothing-v1.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        stored = {entry["path"]: entry["sha256"] for entry in named.version.evidence["model"]}
        names = {f"clothing-v1/{path}" for path in stored} | {"clothing-v1/README.md"}
        assert set(archive.namelist()) == names
        for path, sha256 in stored.items():
            assert archive.read(f"clothing-v1/{path}") == services.storage.read_bytes(sha256)


def test_the_code_for_the_files_gives_the_very_answers_of_an_endpoint(
    named: NamedVersion,
    browser_as: Client,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    client = browser_as("viewer")
    with zipfile.ZipFile(io.BytesIO(client.get(f"{URL}/files.zip").content)) as archive:
        archive.extractall(tmp_path)
    code = shown(client, URL).one("section[aria-labelledby=h-use] button")["data-copy"]
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "snippet", "exec"), {})
    printed: dict[str, Any] = json.loads(capsys.readouterr().out.replace("'", '"'))
    review = ReviewInput("Runs small in the shoulders.", "My title")
    served = Predictor.load(tmp_path / "clothing-v1").predict([review])[0].scores
    assert printed == pytest.approx(served, abs=1e-6)


def test_evidence_that_is_whole_is_said_to_be_with_name_and_time(
    named: NamedVersion, browser_as: Client
) -> None:
    client = browser_as("editor", "emil")
    assert "Unchanged" not in client.get(URL).text
    answer = client.post(f"{URL}/verification")
    assert answer.headers["location"] == f"{URL}#h-ev"
    page = shown(client, URL)
    files = len(named.version.evidence["model"]) + 4
    assert page.said("#toast").startswith(f"All {files} files were read again")
    assert "Unchanged when emil had it read again" in page.one("section[aria-labelledby=h-ev]").text


def test_one_changed_byte_voids_the_version_in_plain_words(
    named: NamedVersion, browser_as: Client, services: Services
) -> None:
    flip_a_byte(services, named, "tokenizer.json")
    client = browser_as("editor", "emil")
    answer = client.post(f"{URL}/verification")
    assert answer.status_code == 409
    assert "This version is void. tokenizer.json has changed" in Page(answer.text).said(".notice.bad")
    page = shown(client, URL)
    assert page.said("h1 .pill") == "Voided"
    assert not page.all("form[action$=verification]")
    assert client.post(f"{URL}/verification").status_code == 409


def test_a_file_that_is_gone_is_named_and_voids_nothing(
    named: NamedVersion, browser_as: Client, services: Services
) -> None:
    entry = next(each for each in named.version.evidence["model"] if each["path"] == "model.onnx")
    path = services.storage.local_path(entry["sha256"])
    content = path.read_bytes()
    path.unlink()
    client = browser_as("editor", "emil")
    page = shown(client, URL)
    assert "model.onnx is no longer stored" in page.said(".notice.bad")
    assert "model.onnx Missing" in page.one("section[aria-labelledby=h-files]").text
    for url in (f"{URL}/files/model.onnx", f"{URL}/files.zip"):
        assert client.get(url).status_code == 404
    assert client.post(f"{URL}/verification").status_code == 404
    path.write_bytes(content)
    assert client.post(f"{URL}/verification").status_code == 303


def test_a_viewer_reads_but_starts_nothing(named: NamedVersion, browser_as: Client) -> None:
    viewer = browser_as("viewer", "vera")
    assert not shown(viewer, URL).all("main form[method=post]")
    assert viewer.post(f"{URL}/verification").status_code == 403


def test_hostile_words_in_a_note_stay_words(named: NamedVersion, browser_as: Client) -> None:
    client = browser_as("editor", "emil")
    note = "<script>alert(1)</script>"
    client.post(f"/keeping/{named.version.id}/note", data={"note": note, "row_version": 0})
    assert "<script>alert" not in client.get(URL).text
