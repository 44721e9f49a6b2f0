"""The upload in a real Chromium: its progress over a slow line, and a preview that follows the choices."""

import os
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site, site_of

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]
LIMIT = 3_000_000
ROW = b"a lovely dress that fits as it should and is number %06d,%d,title %d,%s\n"


@pytest.fixture(scope="module")
def site(home: Path) -> Iterator[Site]:
    """One that takes files of three megabytes at most."""
    os.environ["FITTINGROOM_MAX_UPLOAD_BYTES"] = str(LIMIT)
    try:
        with site_of(home) as site:
            yield site
    finally:
        del os.environ["FITTINGROOM_MAX_UPLOAD_BYTES"]


def reviews(path: Path, rows: int) -> Path:
    with path.open("wb") as file:
        file.write(b"text,rating,title,verdict\n")
        file.writelines(ROW % (n, n % 5 + 1, n, b"keep" if n % 3 else b"return") for n in range(rows))
    return path


class Line:
    """A port of its own in front of the site, whose connections can be cut."""

    def __init__(self, site: Site) -> None:
        self._target = ("127.0.0.1", int(site.url.rsplit(":", 1)[1]))
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                far = socket.create_connection(self._target)
                self._open += [near, far]
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=ends, daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(65536):
                sink.sendall(piece)
        self._close(sink)

    def _close(self, end: socket.socket) -> None:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        for end in [self._listening, *self._open]:
            self._close(end)
            end.close()


def slow_down(page: Page, bytes_a_second: int) -> None:
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    network.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": 0,
            "downloadThroughput": -1,
            "uploadThroughput": bytes_a_second,
        },
    )


def test_progress_is_real_and_ends_on_the_choice_of_columns(visit: Visit, tmp_path: Path) -> None:
    page = visit("/datasets/new")
    page.set_input_files("#f-file", reviews(tmp_path / "spring reviews.csv", 30_000))
    expect(page.locator("#f-name")).to_have_value("spring reviews")
    expect(page.locator("#chosen")).to_contain_text("spring reviews.csv, 2.3 MB")
    slow_down(page, 400_000)
    page.click("text=Upload file")
    expect(page.locator("#sent")).to_have_text(
        re.compile(r"[\d.]+ (kB|MB) of 2\.3 MB · [\d.]+ kB/s · \d+ s left")
    )
    first = page.eval_on_selector("#bar", "bar => bar.value / bar.max")
    assert 0 < first < 1
    moved = "before => !window.bar || window.bar.value / window.bar.max > before"
    page.wait_for_function(moved, arg=first)
    expect(page.locator("#told")).to_have_text(re.compile(r"(25|50|75) % sent"))
    page.wait_for_url("**/uploads/up_*")
    expect(page.locator("h1")).to_have_text("Choose columns")


def test_a_cancelled_upload_keeps_the_file_chosen_and_nothing_else(visit: Visit, tmp_path: Path) -> None:
    page = visit("/datasets/new")
    page.set_input_files("#f-file", reviews(tmp_path / "autumn.csv", 30_000))
    slow_down(page, 100_000)
    page.click("text=Upload file")
    expect(page.locator("#sent")).to_contain_text("/s")
    page.click("text=Cancel upload")
    expect(page.locator("#problem")).to_contain_text("nothing of it is kept")
    assert page.eval_on_selector("#f-file", "input => input.files.length") == 1
    page.goto("/datasets")
    expect(page.locator("main")).not_to_contain_text("autumn")


def test_a_connection_that_breaks_is_said_and_the_file_stays_chosen(
    visit: Visit, site: Site, tmp_path: Path
) -> None:
    page = visit("/datasets")
    line = Line(site)
    page.goto(f"{line.url}/datasets/new")
    page.set_input_files("#f-file", reviews(tmp_path / "winter.csv", 30_000))
    slow_down(page, 100_000)
    page.click("text=Upload file")
    expect(page.locator("#sent")).to_contain_text("/s")
    line.cut()
    expect(page.locator("#problem")).to_contain_text("The connection broke off after")
    expect(page.locator("#f-name")).to_have_value("winter")
    assert page.eval_on_selector("#f-file", "input => input.files[0].name") == "winter.csv"
    # The browser logs the broken request by itself.
    site.complaints[:] = [each for each in site.complaints if "ERR_" not in each]


def test_what_cannot_be_taken_is_said_before_or_after_it_is_sent(visit: Visit, tmp_path: Path) -> None:
    page = visit("/datasets/new")
    expect(page.locator("#f-file-hint")).to_contain_text("At most 3.0 MB")
    page.set_input_files("#f-file", reviews(tmp_path / "large.csv", 60_000))
    expect(page.locator("#problem")).to_contain_text("at most 3.0 MB can be taken")
    page.click("text=Upload file")
    expect(page).to_have_url(re.compile("/datasets/new$"))
    picture = tmp_path / "picture.csv"
    picture.write_bytes(b"\x89PNG" + b"0" * 100)
    page.set_input_files("#f-file", picture)
    expect(page.locator("#problem")).to_be_empty()
    page.click("text=Upload file")
    expect(page.locator("#problem")).to_contain_text("This is a picture, not a table of reviews.")
    assert page.eval_on_selector("#f-file", "input => input.files[0].name") == "picture.csv"


def test_the_preview_follows_the_choices_and_the_address_keeps_them(visit: Visit, tmp_path: Path) -> None:
    page = visit("/datasets/new")
    page.set_input_files("#f-file", reviews(tmp_path / "skirts.csv", 200))
    page.click("text=Upload file")
    page.wait_for_url("**/uploads/up_*")
    expect(page.locator("#preview")).to_contain_text("50 of 50 rows would be kept: 20 negative")
    page.select_option("#f-label", "verdict")
    expect(page.locator("#preview")).to_contain_text("33 keep, 17 return")
    page.select_option("#f-text", "")
    expect(page.locator("#preview")).to_contain_text("Choose a column for the text")
    page.select_option("#f-text", "title")
    expect(page.locator("#preview")).to_contain_text("is used twice")
    page.fill("#f-name", "no/name")
    expect(page.locator("#becomes")).to_contain_text("can't be the name of a data set")
    page.fill("#f-name", "skirts")
    expect(page.locator("#becomes")).to_contain_text("the new data set “skirts”")
    page.reload()
    expect(page.locator("#f-label")).to_have_value("verdict")
    page.click("text=Discard upload")
    page.locator("dialog").get_by_role("button", name="Discard upload").click()
    expect(page.locator("#toast")).to_contain_text("skirts.csv was discarded")


def test_the_same_without_a_script(visit: Visit, tmp_path: Path) -> None:
    page = visit("/datasets/new", scripts=False, narrow=True)
    page.set_input_files("#f-file", reviews(tmp_path / "plain.csv", 100))
    page.click("text=Upload file")
    expect(page.locator("#toast")).to_contain_text("plain.csv was uploaded")
    expect(page.locator("#f-name")).to_have_value("plain")
    page.select_option("#f-label", "verdict")
    page.click("text=Update preview")
    expect(page.locator("#preview")).to_contain_text("33 keep, 17 return")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.click("text=Import data set")
    expect(page.locator("#toast")).to_contain_text("plain v1 is being imported")
    expect(page.locator("#progress")).to_contain_text("No worker serves the queue")
    page.click("summary:has-text('Cancel import')")
    page.get_by_role("button", name="Cancel import").click()
    expect(page.locator("#toast")).to_contain_text("is being cancelled")


def test_the_import_page_ends_by_itself_when_the_import_does(visit: Visit, tmp_path: Path) -> None:
    page = visit("/datasets/new")
    page.set_input_files("#f-file", reviews(tmp_path / "trousers.csv", 100))
    page.click("text=Upload file")
    page.wait_for_url("**/uploads/up_*")
    page.click("text=Import data set")
    expect(page.locator("#progress")).to_be_visible()
    other = page.context.new_page()
    other.goto(page.url)
    other.click("summary:has-text('Cancel import')")
    other.locator("dialog").get_by_role("button", name="Cancel import").click()
    expect(page.locator("h1")).to_contain_text("Cancelled")
    expect(page.locator("main")).to_contain_text("Import the same file again")
