"""Takes the pictures of docs/tour.md: the real product, real reviews, the whole way from a file to an answer.

``FITTINGROOM_SAMPLE=reviews.csv .venv/bin/python -m bin.tour [--recipe quick] [--encoder DIR] [--each N]``
starts an installation of its own, plays author and approver in Chromium, and writes docs/tour.md and
docs/screenshots/. ``--encoder`` with a cut encoder and ``--each 400`` are for trying this program out.
"""

import argparse
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from bin.pictures import smaller
from tests.browser.conftest import CANDIDATES, FLAGS
from tests.conftest import PASSWORD
from tests.flows.product import Product, start_product, stop_product, wait_for, write_subset

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
DATASET, ENDPOINT = "clothing-reviews", "shop"
QUIET_MS = 400  # for the last frame of whatever moves
HALFWAY = 25  # metric points: enough for a curve
INTRODUCTION = """# A tour

Every picture is of the product itself at work on the *Women's E-Commerce Clothing Reviews*: nothing is drawn
or made up. `.venv/bin/python -m bin.tour` takes them anew, which takes as long as the two trainings in it.
"""


@dataclass
class Camera:
    """Takes each stop in light and dark, and some of them on a phone; keeps what is said of them."""

    folder: Path
    blank: Page
    lines: list[str] = field(default_factory=lambda: [INTRODUCTION])

    def chapter(self, title: str) -> None:
        self.lines.append(f"## {title}\n")

    def take(self, page: Page, name: str, caption: str, *, at: str = "", phone: bool = False) -> None:
        """``at`` is what stands at the top of the picture, when it is not the top of the page."""
        page.set_viewport_size(PHONE if phone else WIDE)
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            page.evaluate("at => at ? document.querySelector(at).scrollIntoView() : scrollTo(0, 0)", at)
            page.wait_for_timeout(QUIET_MS)
            picture = smaller(self.blank, page.screenshot(animations="disabled"))
            (self.folder / f"{name}-{theme}.png").write_bytes(picture)
        page.set_viewport_size(WIDE)
        width = PHONE["width"] if phone else 900
        self.lines.append(f"{caption}\n\n{both_themes(name, caption, width)}\n")

    def write(self) -> None:
        (DOCS / "tour.md").write_text("\n".join(self.lines), encoding="utf-8")


def both_themes(name: str, caption: str, width: int) -> str:
    """The dark one for whoever reads in the dark."""
    alt = caption.replace('"', "'")
    dark = f'<source media="(prefers-color-scheme: dark)" srcset="screenshots/{name}-dark.png">'
    return f'<picture>{dark}<img src="screenshots/{name}-light.png" width="{width}" alt="{alt}"></picture>'


@dataclass
class Tour:
    product: Product
    camera: Camera
    reviews: Path
    recipe: str
    encoder: str

    def go(self, author: Page, approver: Page) -> None:
        self._arrive(author, approver)
        self._data(author)
        run = self._train(author)
        self._report(author, run)
        self._decide(approver)
        self._serve(author)
        self._second_run(author, run)
        self._overview(author, approver)

    def _arrive(self, author: Page, approver: Page) -> None:
        link = next(part for line in self.product.lines for part in line.split() if "/setup?token=" in part)
        choose_password(author, link, "anna")
        self.camera.chapter("The first minute")
        self.camera.take(author, "first", "A new installation says what comes first, and offers a data set.")
        author.goto("/settings/users")
        invitation = author.get_by_role("region", name="Invite a user")
        invitation.get_by_label("Name", exact=True).fill("bert")
        invitation.get_by_label("Role", exact=True).select_option("approver")
        invitation.get_by_role("button", name="Create user").click()
        choose_password(approver, author.locator(".once code").inner_text(), "")

    def _data(self, page: Page) -> None:
        self.camera.chapter("Reviews")
        page.goto("/datasets/new")
        page.locator("main input[type=file]").set_input_files(self.reviews)
        page.get_by_label("Name of the data set").fill(DATASET)
        page.get_by_role("button", name="Upload file").click()
        page.locator("select[name=text]").wait_for()
        self.camera.take(
            page,
            "columns",
            "The columns are guessed; the preview follows each choice before anything is read.",
        )
        page.get_by_role("button", name="Import data set").click()
        page.get_by_role("link", name=re.compile("Launch a run on v1")).first.wait_for()
        self.camera.take(page, "version", "A version of the data set: rows, labels, and what was set aside.")

    def _train(self, page: Page) -> str:
        self.camera.chapter("A run")
        page.get_by_role("link", name=re.compile("Launch a run on v1")).first.click()
        page.get_by_role("radio", name=re.compile(self.recipe)).check()
        self.camera.take(
            page, "launch", "Recipes set the parameters; each one has its default and its range."
        )
        run = self._launch(page, {})
        wait_for(lambda: self._points(run) >= HALFWAY or self._ended(run), "the training was halfway")
        page.locator("#fig-loss").wait_for()
        self.camera.take(
            page, "run", "The run as it goes: its steps, where each one stands, and the time left."
        )
        page.goto(f"/runs/{run}?step=train&tab=metrics")
        self.camera.take(page, "curves", "Loss and metrics as they come in.", at="#fig-loss")
        page.goto(f"/runs/{run}")
        self.camera.take(page, "run-phone", "The same on a phone.", phone=True)
        self._wait(page, run)
        self.camera.take(
            page, "done", "All steps done; every attempt, file and parameter is kept with the run."
        )
        return run

    def _launch(self, page: Page, values: dict[str, str]) -> str:
        small = {"encoder": self.encoder, "max_seq_length": "64", "min_macro_f1_margin": "-1"}
        for name, value in {**(small if self.encoder else {}), **values}.items():
            page.locator(f"[name='p.{name}']").fill(value)
        page.get_by_role("button", name=re.compile("^Launch run")).click()
        page.wait_for_url(re.compile("/runs/run_"))
        return page.url.rsplit("/", 1)[1]

    def _points(self, run: str) -> int:
        with self.product.api() as api:
            return len(api.get(f"/runs/{run}/metrics").json()["items"])

    def _ended(self, run: str) -> bool:
        with self.product.api() as api:
            status = api.get(f"/runs/{run}").json()["status"]
        assert status in ("queued", "running", "succeeded"), status
        return bool(status == "succeeded")

    def _wait(self, page: Page, run: str) -> None:
        wait_for(lambda: self._ended(run), "the run ended", seconds=3600)
        page.goto(f"/runs/{run}")

    def _report(self, page: Page, run: str) -> None:
        self.camera.chapter("What it is worth")
        page.goto(f"/runs/{run}/report")
        self.camera.take(
            page, "report", "The report begins with the verdict, beside a baseline and with intervals."
        )
        self.camera.take(
            page,
            "confusion",
            "Which class is taken for which; each field leads to the reviews.",
            at="#fig-confusion",
        )

    def _decide(self, page: Page) -> None:
        self.camera.chapter("Somebody else decides")
        page.goto("/approvals")
        page.locator("main").get_by_role("link", name=re.compile(DATASET)).first.click()
        self.camera.take(
            page, "approval", "The approver reads one sentence, three numbers and ten real examples."
        )
        self.camera.take(page, "approval-phone", "It can be done on the way, too.", phone=True)
        page.locator("textarea[name=comment]").fill(
            "It finds the complaints, and the neutral ones are told apart better."
        )
        page.get_by_role("button", name=re.compile("^Approve")).first.click()
        page.locator("main").get_by_text("Approved").first.wait_for()

    def _serve(self, page: Page) -> None:
        self.camera.chapter("In service")
        page.goto(f"/models/{DATASET}/versions/1")
        page.locator("main [name=endpoint]").first.fill(ENDPOINT)
        page.get_by_role("button", name=re.compile("^Deploy v1")).click()
        page.wait_for_url(re.compile(f"/endpoints/{ENDPOINT}"))
        page.goto(f"/models/{DATASET}/versions/1")
        self.camera.take(page, "model", "A version with all it came from and where it answers, in one line.")
        page.goto(f"/predict/{ENDPOINT}")
        page.locator("textarea[name=text]").fill("Lovely colour, but it runs small and the seams came apart.")
        page.get_by_role("button", name=re.compile("^Predict")).click()
        page.locator(".result figure, .result svg").first.wait_for()
        self.camera.take(page, "predict", "Try it: the answer, how sure it is, and which version gave it.")

    def _second_run(self, page: Page, run: str) -> None:
        self.camera.chapter("Side by side")
        page.goto(f"/launch?dataset={DATASET}&recipe={self.recipe}")
        other = self._launch(page, {"learning_rate": "0.0001"})
        self._wait(page, other)
        page.goto(f"/runs/compare?ids={run},{other}")
        self.camera.take(
            page, "compare", "Two runs: what differs, which is better, and whether that may be chance."
        )

    def _overview(self, author: Page, approver: Page) -> None:
        self.camera.chapter("Every day")
        author.goto("/runs")
        self.camera.take(author, "runs", "All runs; the filters stand in the address, so Back keeps them.")
        approver.goto("/")
        self.camera.take(approver, "home", "The first page: what needs you, what moves, and what answers.")
        self.camera.take(approver, "home-phone", "And in the pocket.", phone=True)


def choose_password(page: Page, link: str, name: str) -> None:
    page.goto(link)
    if name:
        page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password again").fill(PASSWORD)
    page.get_by_role("button", name=re.compile("sign in")).click()
    page.get_by_role("button", name="Sign out").wait_for()


@contextmanager
def chromium() -> Iterator[Browser]:
    path = next(found for name in CANDIDATES if (found := shutil.which(name)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", default="quick")
    parser.add_argument("--encoder", default="", help="a directory; for trying this program out")
    parser.add_argument("--each", type=int, default=0, help="reviews of each sentiment; 0 takes all")
    asked = parser.parse_args()
    sample = Path(os.environ["FITTINGROOM_SAMPLE"]).resolve()
    folder = DOCS / "screenshots"
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as home, chromium() as browser:
        reviews = write_subset(sample, Path(home) / "reviews.csv", asked.each) if asked.each else sample
        product = start_product(Path(home) / "home", FITTINGROOM_SAMPLE=str(sample))
        camera = Camera(folder, browser.new_page())
        try:
            pages = [browser.new_page(base_url=product.url, viewport=WIDE) for _ in range(2)]
            Tour(product, camera, reviews, asked.recipe, asked.encoder).go(*pages)
        finally:
            stop_product(product)
    camera.write()
    size = sum(path.stat().st_size for path in folder.glob("*.png"))
    print(f"{len(list(folder.glob('*.png')))} pictures, {size / 1e6:.1f} MB, in {folder}")


if __name__ == "__main__":
    main()
