"""The page of one run in each of its states, as a browser gets it."""

from collections.abc import Callable

from fastapi.testclient import TestClient

from app.runs.queries import steps_of
from tests.app.runs.staging import Stage
from tests.reading import shown

Browser = Callable[..., TestClient]


def test_a_queued_run_says_that_no_worker_serves_it(stage: Stage, run_id: str, browser_as: Browser) -> None:
    viewer = browser_as("viewer")
    page = shown(viewer, f"/runs/{run_id}")
    assert page.said("h1") == "review-classifier · quick #1 Queued"
    assert "no worker serves the queue cpu" in page.said(".notice.warn")
    stage.worker("cpu", "io")
    assert not shown(viewer, f"/runs/{run_id}").all(".notice.warn")


def test_the_steps_stand_in_order_with_what_they_wait_for(run_id: str, browser_as: Browser) -> None:
    page = shown(browser_as("viewer"), f"/runs/{run_id}")
    names = [node.text for node in page.all(".dag h3 a")]
    assert names == ["prepare", "train", "evaluate", "gate", "register"]
    gate = page.all(".dag > li")[3].text
    assert "needs evaluate" in gate
    assert "accuracy ≥ .330" in gate


def test_a_running_step_shows_phase_share_curves_and_log(
    stage: Stage, run_id: str, browser_as: Browser
) -> None:
    stage.succeed(run_id, "prepare", {"snapshot.json": b"{}"})
    lease = stage.claim(run_id, "train")
    stage.progress(lease, 50, 200, "epoch 1 of 2")
    stage.log(lease, "hello <b>", "[metric] step=50 train_loss=0.5", "warning: long texts")
    stage.measure(
        lease,
        train_loss=[(25, 0.9), (50, 0.5)],
        val_loss=[(50, 0.6)],
        val_accuracy=[(50, 0.8)],
        val_macro_f1=[(50, 0.6)],
    )
    viewer = browser_as("viewer")
    page = shown(viewer, f"/runs/{run_id}")
    facts = {node.one("dt").text: node.one("dd").text for node in page.all(".stats > div")}
    assert facts["Phase"] == "train, epoch 1 of 2 50 of 200 done"
    assert "Expected end of train" in facts
    assert page.one(".dag .now .meter")["aria-label"] == "25 % done"
    assert [node["id"] for node in page.all("figure.fig")] == ["fig-attempts", "fig-loss", "fig-quality"]
    assert [link.text for link in page.all("#run-step .tabs a")] == [
        "Metrics",
        "Logs",
        "Artifacts",
        "Configuration",
        "Attempts 1",
    ]
    assert page.one("#run-step .tabs a[aria-current]").text == "Metrics"
    log = shown(viewer, f"/runs/{run_id}?step=train&tab=logs")
    assert log.said(".log code") == "hello <b>"
    assert log.one("#L2 code")["class"] == "m"
    assert page.one("[hx-sse:connect]")["hx-sse:connect"].startswith(f"/runs/{run_id}/live")


def test_a_failed_step_is_explained_with_its_last_lines_and_a_way_on(
    stage: Stage, run_id: str, browser_as: Browser
) -> None:
    lease = stage.claim(run_id, "prepare")
    stage.log(lease, *[f"line {number}" for number in range(1, 31)])
    stage.break_off(lease, "One class only.", "Upload reviews of both kinds.")
    page = shown(browser_as("editor"), f"/runs/{run_id}")
    assert page.said("h1").endswith("Failed")
    notice = page.said(".notice.bad")
    assert notice == "prepare failed: One class only. Upload reviews of both kinds."
    tail = [node.text for node in page.all("#run-head .log code")]
    assert tail == [f"line {number}" for number in range(11, 31)]
    assert page.said("#retry summary") == "Retry from prepare"
    asked = page.one("form[action$='/retry']").text
    assert "Prepare, train, evaluate, gate and register run again." in asked
    assert not page.all("form[action$='/cancellation']")
    assert not page.all("[hx-sse:connect]")


def test_a_lost_worker_is_told_and_both_attempts_can_be_read(
    stage: Stage, run_id: str, browser_as: Browser
) -> None:
    first = stage.lose(run_id, "prepare")
    stage.log(first, "of the first attempt")
    second = stage.claim(run_id, "prepare", "cpu-2")
    stage.log(second, "of the second attempt")
    viewer = browser_as("viewer")
    page = shown(viewer, f"/runs/{run_id}")
    assert "Attempt 1 of prepare: The worker cpu-1 was lost." in page.said(".notice")
    assert page.said("#run-tab code") == "of the second attempt"
    attempts = shown(viewer, f"/runs/{run_id}?step=prepare&tab=attempts")
    assert [row.one("td").text for row in attempts.all("#run-tab tbody tr")] == ["attempt 1", "attempt 2"]
    earlier = shown(viewer, f"/runs/{run_id}?step=prepare&attempt=1")
    assert earlier.said("#run-tab code") == "of the first attempt"


def test_a_finished_run_shows_what_it_made(stage: Stage, run_id: str, browser_as: Browser) -> None:
    stage.train(run_id)
    page = shown(browser_as("viewer"), f"/runs/{run_id}")
    assert page.said("h1").endswith("Succeeded")
    facts = {node.one("dt").text: node.one("dd").text for node in page.all(".stats > div")}
    assert facts["Macro-F1"] == ".680 +.050 to the baseline (+.020 to +.080)"
    assert page.one(f"a[href='/runs/{run_id}/report']").text == "Evaluation report"
    assert page.one("a[href='/models/clothing/versions/1']").text == "clothing v1"
    rows = [[cell.text for cell in row.all("td")][:2] for row in page.all("#run-results tbody tr")][-3:]
    assert [row[0] for row in rows] == ["prepare", "train", "evaluate"]


def test_parameters_stand_beside_their_defaults(stage: Stage, browser_as: Browser) -> None:
    run_id = stage.launch(stage.dataset(), recipe="standard", learning_rate="3e-5")
    page = shown(browser_as("viewer"), f"/runs/{run_id}")
    row = next(row for row in page.all("#run-results tr") if row.text.startswith("learning_rate"))
    assert row.one("b.best").text == "3e-05"


def test_a_closed_gate_is_an_outcome_with_reasons(stage: Stage, run_id: str, browser_as: Browser) -> None:
    stage.train(run_id, passed=False)
    page = shown(browser_as("editor"), f"/runs/{run_id}?step=gate")
    assert page.said("h1").endswith("Gate closed")
    assert "accuracy 0.31 is below 0.33" in page.said(".notice.warn")
    assert page.said("#run-tab .pill") == "Not met"
    assert page.all(".dag > li")[4].text.startswith("register Skipped")
    assert not page.all("form[action$='/retry']")


def test_a_step_taken_from_the_cache_says_why(stage: Stage, run_id: str, browser_as: Browser) -> None:
    with stage.services.works.writing() as work:
        step = steps_of(work.session, run_id)[0]
        step.cached, step.cache_reason, step.state = (
            True,
            "same program, arguments and inputs as in run #1",
            "succeeded",
        )
    viewer = browser_as("viewer")
    page = shown(viewer, f"/runs/{run_id}?step=prepare")
    assert "Taken from the cache: same program" in page.said("#run-step .lede")
    assert "from the cache: same program" in page.all(".dag > li")[0].text
    assert "taken from the cache" in shown(viewer, f"/runs/{run_id}?step=prepare&tab=logs").said(
        "#run-tab .empty"
    )


def test_a_lost_artifact_is_told_and_the_page_still_stands(
    stage: Stage, run_id: str, browser_as: Browser
) -> None:
    stage.succeed(run_id, "prepare", {"snapshot.json": b"{}"})
    with stage.services.works.writing() as work:
        steps_of(work.session, run_id)[0].artifact = "f" * 64
    page = shown(browser_as("viewer"), f"/runs/{run_id}")
    assert "lost this artifact" in page.said("#run-results .notice.bad")


def test_cancelling_and_retrying_lead_back_to_the_run(stage: Stage, run_id: str, browser_as: Browser) -> None:
    editor = browser_as("editor")
    answer = editor.post(f"/runs/{run_id}/cancellation")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/runs/{run_id}")
    assert shown(editor, f"/runs/{run_id}").said("h1").endswith("Cancelled")
    assert editor.post(f"/runs/{run_id}/retry").status_code == 303
    assert shown(editor, f"/runs/{run_id}").said("h1").endswith("Queued")


def test_a_run_that_is_being_cancelled_says_so(stage: Stage, run_id: str, browser_as: Browser) -> None:
    stage.claim(run_id, "prepare")
    editor = browser_as("editor")
    editor.post(f"/runs/{run_id}/cancellation")
    page = shown(editor, f"/runs/{run_id}")
    assert page.said("h1").endswith("Cancelling")
    assert not page.all("form[action$='/cancellation']")


def test_a_viewer_sees_no_verbs_and_may_not_use_them(run_id: str, browser_as: Browser) -> None:
    viewer = browser_as("viewer")
    page = shown(viewer, f"/runs/{run_id}")
    assert not page.all("main form[method='post']")
    assert viewer.post(f"/runs/{run_id}/cancellation").status_code == 403


def test_an_unknown_run_step_or_attempt(run_id: str, browser_as: Browser) -> None:
    viewer = browser_as("viewer")
    assert viewer.get("/runs/run_nobody").status_code == 404
    assert viewer.get("/runs/1").status_code == 200
    assert viewer.get(f"/runs/{run_id}?attempt=7").status_code == 404
    assert viewer.get(f"/runs/{run_id}?attempt=x").status_code == 422


def test_the_page_can_do_without_a_script(run_id: str, browser_as: Browser) -> None:
    page = shown(browser_as("editor"), f"/runs/{run_id}")
    assert page.one("noscript meta")["http-equiv"] == "refresh"
    assert not page.all("[style], [onclick]")
