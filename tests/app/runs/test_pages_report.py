"""The evaluation report against its numbers, and the stream that keeps a run's page alive."""

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import Request
from fastapi.testclient import TestClient

from app.accounts.access import still_permitted
from app.core.pages import environment
from app.core.services import Services
from app.runs import listening
from app.runs.listening import Listener
from app.runs.report.figures import Source
from app.runs.report.page import report_of
from app.runs.run_page import live, routes
from app.runs.run_page.asked import Asked
from tests.app.runs.staging import LABELS, Stage, evaluation
from tests.reading import Page

Browser = Callable[..., TestClient]
# What evaluations of older programs lack.
OPTIONAL = (
    *("baseline", "difference", "reliability", "truncated", "always_majority", "interval"),
    *("paired", "coverage", "curves", "slices"),
)


def test_the_report_says_verdict_numbers_and_where_they_come_from(
    stage: Stage, run_id: str, browser_as: Browser
) -> None:
    stage.train(run_id)
    page = Page(browser_as("viewer").get(f"/runs/{run_id}/report").text)
    assert page.said(".verdict") == "Better than the TF-IDF baseline."
    table = [[cell.text for cell in row.all("td")] for row in page.all("section tbody tr")]
    assert table[0] == ["Accuracy", ".812", ".859", ".839–.879", "1,133", "+.047", "+.027 to +.067"]
    assert table[1][:3] == ["Macro-F1", ".630", ".680"]
    assert [figure["id"].removeprefix("fig-") for figure in page.all("figure")] == [
        *("compared", "confusion", "pr", "roc", "reliability", "coverage", "slices"),
    ]
    assert "clothing v1" in page.said("dl.dl")
    assert page.one("a[href='/models/clothing/versions/1']")


def test_the_confusion_matrix_has_the_truth_in_its_rows(
    stage: Stage, run_id: str, browser_as: Browser
) -> None:
    stage.train(run_id)
    page = Page(browser_as("viewer").get(f"/runs/{run_id}/report").text)
    heads = [head.text for head in page.all(".cm tbody th")]
    assert heads == ["negative", "neutral", "positive"]
    first = [cell.text for cell in page.all(".cm tbody tr")[0].all("td")]
    assert first == ["83 70 %", "29 24 %", "7 6 %", "119"]


def test_a_class_with_few_reviews_is_marked(stage: Stage, run_id: str, browser_as: Browser) -> None:
    stage.train(run_id)
    page = Page(browser_as("viewer").get(f"/runs/{run_id}/report").text)
    assert [tag.text for tag in page.all("td.pin .tag")] == ["n = 29, too few to judge"]


def test_a_run_that_has_measured_nothing_has_no_report(run_id: str, browser_as: Browser) -> None:
    answer = browser_as("viewer").get(f"/runs/{run_id}/report")
    assert answer.status_code == 404
    assert "has measured nothing" in answer.text


@pytest.mark.parametrize(
    ("difference", "finding", "trend"),
    [(0.05, "above the baseline", "up"), (-0.05, "below the baseline", "down"), (0.01, "may be chance", "")],
)
def test_a_difference_is_only_claimed_where_its_interval_leaves_zero_out(
    difference: float, finding: str, trend: str
) -> None:
    report = report_of(Source(evaluation(difference)))
    assert finding in report.figures["compared"]
    assert report.metrics[1].trend == trend


def test_labels_of_any_kind_keep_their_own_names() -> None:
    renamed = json.loads(json.dumps(evaluation()))
    names = dict(zip(LABELS, ("ads", "spam", "ham"), strict=True))
    renamed["labels"] = list(names.values())
    for part in ("metrics", "baseline"):
        classes: dict[str, Any] = renamed[part]["per_class"]
        renamed[part]["per_class"] = {names[label]: values for label, values in classes.items()}
    renamed["curves"]["classes"] = dict(
        zip(names.values(), renamed["curves"]["classes"].values(), strict=True)
    )
    report = report_of(Source(renamed))
    assert [row.label for row in report.classes] == ["ads", "spam", "ham"]
    assert "ham taken for spam" in report.figures["confusion"]


@pytest.mark.parametrize(
    ("confidence", "says"),
    [(0.9, "Too sure by .100 on the whole"), (0.654, "Too unsure by .146"), (0.8, "As sure as it should be")],
)
def test_the_reliability_says_which_way_it_errs(confidence: float, says: str) -> None:
    measured = evaluation()
    measured["reliability"] = [{"low": 0.6, "high": 1.0, "confidence": confidence, "accuracy": 0.8, "n": 50}]
    assert says in report_of(Source(measured)).figures["reliability"]


def test_a_report_without_baseline_or_bins_still_stands() -> None:
    bare = evaluation()
    for name in OPTIONAL:
        del bare[name]
    report = report_of(Source(bare))
    assert "reliability" not in report.figures
    assert report.metrics[0].baseline == "–"
    assert "no baseline" in report.figures["compared"]


@pytest.mark.parametrize("lacking", [(name,) for name in OPTIONAL] + [OPTIONAL], ids=lambda names: names[-1])
def test_the_page_stands_without_what_an_evaluation_may_lack(
    lacking: tuple[str, ...], stage: Stage, run_id: str, browser_as: Browser
) -> None:
    """A model that is never sure of anything has no figure of thresholds; an older program measured less."""
    measured = {name: value for name, value in evaluation().items() if name not in lacking}
    stage.train(run_id, measured=measured)
    answer = browser_as("viewer").get(f"/runs/{run_id}/report")
    assert answer.status_code == 200
    assert "Metrics" in answer.text


def test_the_stream_sends_what_changed_and_ends_with_the_run(
    services: Services, stage: Stage, run_id: str
) -> None:
    messages = asyncio.run(_watched(services, stage, run_id))
    first, second, end = messages[0], messages[1], messages[-1]
    assert all(f'hx-target="#run-{part}"' in first for part in live.PARTS)
    assert 'hx-target="#run-steps"' in second
    assert 'hx-target="#run-results"' not in second
    assert all(line.startswith("data: ") for line in first.rstrip("\n").split("\n"))
    assert end == "event: ended\ndata: ended\n\n"


async def _watched(services: Services, stage: Stage, run_id: str) -> list[str]:
    """A worker fails the run while somebody watches."""
    jinja = environment()
    jinja.globals["static"] = str
    draw = live.drawing(services, jinja, run_id, Asked(), True)
    stream = live.messages(services.watcher, run_id, draw, Listener(lambda: True, services.watcher))
    found = [await anext(stream)]
    lease = await asyncio.to_thread(stage.claim, run_id, "prepare")
    found.append(await anext(stream))
    await asyncio.to_thread(stage.log, lease, "last words")
    await asyncio.to_thread(stage.break_off, lease, "One class only.")
    found += [message async for message in stream]
    await services.watcher.close()
    return found


def test_the_stream_ends_for_a_reader_who_has_signed_out(
    run_id: str, browser_as: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run is still queued. The real check asks the real session; only the waiting is cut short."""
    monkeypatch.setattr(listening, "RECHECK_SECONDS", 0.0)
    monkeypatch.setattr(listening, "SILENCE_SECONDS", 0.05)
    asked = threading.Event()

    def noticed(request: Request) -> bool:
        asked.set()
        return still_permitted(request)

    monkeypatch.setattr(routes, "still_permitted", noticed)
    reader = browser_as("viewer", "vera")
    texts: list[str] = []
    watching = threading.Thread(target=lambda: texts.append(reader.get(f"/runs/{run_id}/live").text))
    watching.start()
    assert asked.wait(30)
    assert watching.is_alive()
    reader.post("/logout")
    watching.join(30)
    assert texts
    assert texts[0].endswith(live.ENDED)
    assert reader.get(f"/runs/{run_id}/live").status_code == 303
