"""The tabs of a run's page: logs in parts, files to look at and take, configuration, figures as files."""

import csv
import gzip
import io
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fastapi.testclient import TestClient
from sqlalchemy import event

from app.core.services import Services
from app.runs import leases
from app.runs.tables import LogChunk
from tests.app.runs.staging import Stage
from tests.reading import Page, shown

Browser = Callable[..., TestClient]
HTML_BUDGET = 40_000
QUERIES = 16
_OF_RUNS = re.compile(r"FROM (run|step|attempt|worker|log_chunk|metric_point)\b")


def numbers(page: Page) -> list[int]:
    return [int(node["id"].removeprefix("L")) for node in page.all("#run-tab .log li")]


def test_a_long_log_shows_its_end_and_leads_to_older_lines(
    stage: Stage, run_id: str, browser_as: Browser
) -> None:
    lease = stage.claim(run_id, "prepare")
    stage.log(lease, *[f"line {number}" for number in range(1, 1001)])
    viewer = browser_as("viewer")
    page = shown(viewer, f"/runs/{run_id}?step=prepare&tab=logs")
    assert numbers(page) == list(range(801, 1001))
    older = shown(viewer, f"/runs/{run_id}" + page.one("a[rel='prev']")["href"].partition("#")[0])
    assert numbers(older) == list(range(601, 801))
    newer = shown(viewer, f"/runs/{run_id}" + older.one("a[rel='next']")["href"].partition("#")[0])
    assert numbers(newer) == list(range(801, 1001))
    raw = page.one("#run-tab a[download]")["href"]
    assert viewer.get(raw).text.splitlines()[-1] == "line 1000"


def test_the_address_of_a_line_still_shows_it_when_the_log_has_grown(
    stage: Stage, run_id: str, browser_as: Browser
) -> None:
    lease = stage.claim(run_id, "prepare")
    stage.log(lease, *[f"line {number}" for number in range(1, 301)])
    viewer = browser_as("viewer")
    page = shown(viewer, f"/runs/{run_id}?step=prepare&tab=logs")
    address = page.one("#L250 a")["href"]
    assert address.endswith("#L250")
    with stage.services.works.telemetry_writing() as telemetry:
        place = {"run_id": run_id, "step_id": lease.step_id, "attempt": 1}
        telemetry.session.add(LogChunk(**place, line=301, text="\n".join("more" for _ in range(900))))
    assert 250 in numbers(shown(viewer, f"/runs/{run_id}" + address.partition("#")[0]))
    assert 250 not in numbers(shown(viewer, f"/runs/{run_id}?step=prepare&tab=logs"))


def test_lines_are_found_by_their_text_with_their_numbers(
    stage: Stage, run_id: str, browser_as: Browser
) -> None:
    lease = stage.claim(run_id, "prepare")
    stage.log(lease, "Reading 100 % of it", "other", "reading_100", "READING the rest")
    viewer = browser_as("viewer")
    page = shown(viewer, f"/runs/{run_id}?step=prepare&tab=logs&find=reading")
    assert numbers(page) == [1, 3, 4]
    assert "3 of 4 lines hold “reading”" in page.said("#run-tab .hint")
    assert numbers(shown(viewer, f"/runs/{run_id}?step=prepare&tab=logs&find=%25+of")) == [1]
    nothing = shown(viewer, f"/runs/{run_id}?step=prepare&tab=logs&find=absent")
    assert nothing.said("#run-tab .empty strong") == "No line holds “absent”"


def test_files_can_be_looked_at_taken_alone_and_together(
    stage: Stage, run_id: str, browser_as: Browser
) -> None:
    files = {"notes/read me.txt": "<b>grüße</b>".encode(), "model.bin": bytes(range(256)) * 9000}
    stage.succeed(run_id, "prepare", files)
    viewer = browser_as("viewer")
    page = shown(viewer, f"/runs/{run_id}?step=prepare&tab=artifacts")
    rows = [[cell.text for cell in row.all("td")] for row in page.all("#run-tab tbody tr")]
    assert [(row[0], row[1], row[3]) for row in rows] == [
        ("model.bin", "2.3 MB", ""),
        ("notes/read me.txt", "14 B", "show"),
    ]
    look = page.one("#run-tab td a[href*='file=']")["href"].partition("#")[0]
    assert shown(viewer, f"/runs/{run_id}{look}").said("#preview pre") == "<b>grüße</b>"
    answer = viewer.get(page.one("#run-tab .pages a[download]")["href"])
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == files


def test_no_file_outside_the_artifact_is_shown(stage: Stage, run_id: str, browser_as: Browser) -> None:
    stage.succeed(run_id, "prepare", {"a.txt": b"a"})
    page = shown(browser_as("viewer"), f"/runs/{run_id}?step=prepare&tab=artifacts&file=../../main.db")
    assert not page.all("#preview")


def test_a_step_without_files_has_no_zip(run_id: str, browser_as: Browser) -> None:
    assert browser_as("viewer").get(f"/api/v1/runs/{run_id}/artifacts/prepare.zip").status_code == 404


def test_the_configuration_says_parameters_cores_and_variables(
    stage: Stage, run_id: str, browser_as: Browser
) -> None:
    lease = stage.claim(run_id, "prepare")
    with stage.services.works.writing() as work:
        leases.note_environment(work, lease, {"SM_NUM_CPUS": "2", "LANG": "C.UTF-8"})
    page = shown(browser_as("viewer"), f"/runs/{run_id}?step=prepare&tab=config")
    facts = {row.one("dt").text: row.one("dd").text for row in page.all("#run-tab dl > div")}
    assert (facts["Cores"], facts["Worker"], facts["Queue"]) == ("2", "cpu-1", "cpu")
    parameters = [row.one("td").text for row in page.all("#run-tab section tbody tr")]
    assert "max_seq_length" in parameters
    assert "epochs" not in parameters  # train's, not prepare's
    assert "LANG" in page.said("#run-tab details")


def test_the_numbers_of_figures_and_all_points_are_files(
    stage: Stage, run_id: str, browser_as: Browser
) -> None:
    stage.succeed(run_id, "prepare", {"snapshot.json": b"{}"})
    lease = stage.claim(run_id, "train")
    stage.measure(lease, train_loss=[(25, 0.9), (50, 0.5)], val_loss=[(50, 0.6)])
    viewer = browser_as("viewer")
    page = shown(viewer, f"/runs/{run_id}?step=train")
    links = [link["href"] for link in page.all("figure a[download]")]
    assert [link.split("/figures/")[1].split(".csv")[0] for link in links] == ["attempts", "loss"]
    table = list(csv.reader(viewer.get(links[1]).text.splitlines()))
    assert table == [["step", "train", "validation"], ["25.0", "0.9", ""], ["50.0", "0.5", "0.6"]]
    assert viewer.get(f"/runs/{run_id}/figures/nothing.csv").status_code == 404
    points = viewer.get(f"/runs/{run_id}/metrics.json?step=train&attempt=1").json()
    assert (points["total"], points["items"][0]["name"]) == (3, "train_loss")


def test_a_step_that_waits_says_its_place_in_the_queue(stage: Stage, browser_as: Browser) -> None:
    version = stage.dataset()
    runs = [stage.launch(version) for _ in range(3)]
    stage.worker("cpu", "io")
    viewer = browser_as("viewer")
    assert "prepare starts next: 1 worker free." in shown(viewer, f"/runs/{runs[0]}").said(".notice")
    stage.claim(runs[0], "prepare")
    third = shown(viewer, f"/runs/{runs[2]}").said(".notice")
    assert "prepare is 2nd in the queue for cpu, 0 of 1 worker busy." in third


def test_a_queue_that_nobody_serves_is_a_state_of_its_own(stage: Stage, browser_as: Browser) -> None:
    run = stage.launch(stage.dataset(), device="gpu")
    stage.worker("cpu", "io")
    stage.succeed(run, "prepare", {"snapshot.json": b"{}"})
    said = shown(browser_as("viewer"), f"/runs/{run}").said(".notice.warn")
    assert "no worker serves the queue gpu, so train waits" in said
    assert "fittingroom worker start --queues gpu" in said


def test_a_waiting_run_can_be_put_elsewhere(stage: Stage, browser_as: Browser) -> None:
    version = stage.dataset()
    first, run = stage.launch(version), stage.launch(version, device="gpu")
    stage.worker("cpu", "io")
    editor = browser_as("editor")
    assert "prepare is 2nd in the queue" in shown(editor, f"/runs/{run}").said(".notice")
    answer = editor.post(f"/runs/{run}/place", data={"priority": "high"})
    assert answer.status_code == 303
    page = shown(editor, f"/runs/{run}")
    assert "prepare starts next" in page.text
    assert "high priority" in page.said("p.meta")
    assert "prepare is 2nd in the queue" in shown(editor, f"/runs/{first}").said(".notice")
    stage.succeed(run, "prepare", {"snapshot.json": b"{}"})
    assert "Run it without a card" in shown(editor, f"/runs/{run}").text
    editor.post(f"/runs/{run}/place", data={"device": "auto"})
    assert "train starts next" in shown(editor, f"/runs/{run}").text
    viewer = browser_as("viewer")
    assert viewer.post(f"/runs/{run}/place", data={"priority": "low"}).status_code == 403


def test_earlier_runs_tell_when_this_one_will_end(stage: Stage, browser_as: Browser) -> None:
    version = stage.dataset()
    stage.train(stage.launch(version))
    run = stage.launch(version)
    stage.claim(run, "prepare")
    page = shown(browser_as("viewer"), f"/runs/{run}")
    facts = {node.one("dt").text: node.one("dd").text for node in page.all(".stats > div")}
    assert "by the median of 1 earlier run" in facts["Expected end"]
    assert "median of 1 run like it" in facts["Elapsed"]
    rows = [row.one("td").text for row in page.all("#fig-attempts tbody tr")]
    assert rows == ["prepare", "train", "evaluate", "gate", "register"]


def busy(stage: Stage, run_id: str, attempts: int) -> None:
    """A run whose first step was lost ``attempts`` − 1 times, with a log of 5,000 long lines."""
    for _ in range(attempts - 1):
        stage.lose(run_id, "prepare")
    lease = stage.claim(run_id, "prepare")
    lines = [
        f"{number} " + " ".join(f"{number * k % 9973:x}" for k in range(2, 40)) for number in range(5000)
    ]
    stage.log(lease, *lines)
    stage.measure(lease, train_loss=[(step, 1 / (step + 1)) for step in range(2000)])


def test_ten_attempts_and_a_long_log_keep_the_page_small(
    stage: Stage, run_id: str, browser_as: Browser
) -> None:
    busy(stage, run_id, 10)
    viewer = browser_as("editor")
    for tab in ("metrics", "logs", "artifacts", "config", "attempts"):
        html = viewer.get(f"/runs/{run_id}?step=prepare&tab={tab}").content
        assert len(gzip.compress(html)) <= HTML_BUDGET, tab


@contextmanager
def counted(services: Services) -> Iterator[list[str]]:
    said: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if _OF_RUNS.search(statement):
            said.append(statement)

    engines = [services.databases.main.engine, services.databases.telemetry.engine]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    yield said
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)


def test_more_attempts_ask_no_more_of_the_database(
    services: Services, stage: Stage, browser_as: Browser
) -> None:
    version = stage.dataset()
    one, many = stage.launch(version), stage.launch(version)
    busy(stage, one, 2)
    busy(stage, many, 10)
    viewer = browser_as("viewer")
    asked = []
    for run in (one, many):
        with counted(services) as said:
            assert viewer.get(f"/runs/{run}?step=prepare&tab=logs").status_code == 200
        asked.append(said)
    assert len(asked[1]) <= QUERIES
    assert sorted(asked[0]) == sorted(asked[1])
