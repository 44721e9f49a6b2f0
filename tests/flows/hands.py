"""Four ways to use the same pages: with a mouse, on a phone, by keys alone, and without scripts.

A journey is written once, in what a person does; each way does it with what it has.
"""

import re
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Error, Locator, Page, expect

from tests.flows.product import PATIENCE_SECONDS

WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
TABS = 400  # more than any page has places to stop at
HERE = "one => one === document.activeElement || one.contains(document.activeElement)"


class Mouse:
    """Points and clicks; the page keeps itself up to date."""

    name = "mouse"
    scripts = True
    viewport = WIDE

    def __init__(self, browser: Browser, url: str) -> None:
        self.context: BrowserContext = browser.new_context(
            base_url=url, viewport=self.viewport, java_script_enabled=self.scripts, has_touch=False
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda said: said.type != "error" or self.complaints.append(said.text))

    def open(self, address: str) -> None:
        """Types an address, which every way can."""
        self.page.goto(address)

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=re.compile(name)).first

    def link(self, name: str) -> Locator:
        return self.page.locator("main").get_by_role("link", name=re.compile(name)).first

    def press(self, target: Locator) -> None:
        target.click()

    def fill(self, target: Locator, text: str) -> None:
        target.fill(text)

    def choose(self, target: Locator, option: str) -> None:
        target.select_option(option)

    def tick(self, target: Locator) -> None:
        target.check()

    def attach(self, target: Locator, file: Path) -> None:
        target.set_input_files(file)

    def await_(self, selector: str) -> None:
        """Without a reload: the page says it by itself."""
        expect(self.page.locator(selector).first).to_be_visible(timeout=PATIENCE_SECONDS * 1000)

    def nothing_went_wrong(self) -> None:
        assert self.complaints == []
        self.page.wait_for_load_state()  # before its styles are there, a page is as wide as it likes
        assert self._width() <= self.viewport["width"]

    def _width(self) -> int:
        """The press may be leaving for another page in this very moment; then it is asked of that one."""
        while True:
            try:
                return int(self.page.evaluate("document.documentElement.scrollWidth"))
            except Error as error:
                if "context was destroyed" not in str(error):
                    raise
                self.page.wait_for_load_state()


class Phone(Mouse):
    name = "phone"
    viewport = PHONE

    def press(self, target: Locator) -> None:
        super().press(target)
        self.nothing_went_wrong()


class NoScript(Mouse):
    """A person without scripts reloads the page to see whether something has happened."""

    name = "without-scripts"
    scripts = False

    def await_(self, selector: str) -> None:
        for _ in range(PATIENCE_SECONDS):
            if self.page.locator(selector).count():
                return
            self.page.wait_for_timeout(1000)
            self.page.reload()
        raise AssertionError(f"{selector} never stood on {self.page.url}:\n{self.page.inner_text('main')}")


class Keyboard(Mouse):
    """Tab, Enter, Space, arrows and letters. What can't be reached so can't be used so."""

    name = "keyboard"

    def press(self, target: Locator) -> None:
        self._reach(target)
        self.page.keyboard.press("Enter")

    def fill(self, target: Locator, text: str) -> None:
        self._reach(target)
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.type(text)

    def choose(self, target: Locator, option: str) -> None:
        self._reach(target)
        self.page.keyboard.type(option)
        expect(target).to_have_value(option)

    def tick(self, target: Locator) -> None:
        """A group of choices is one stop of the Tab key; arrows move within it."""
        for _ in range(TABS):
            self.page.keyboard.press("Tab")
            group = target.evaluate("one => document.activeElement.name === one.name && one.type === 'radio'")
            if group:
                break
        for _ in range(TABS):
            if target.evaluate("one => one === document.activeElement"):
                self.page.keyboard.press("Space")
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"{target} can't be reached by keys")

    def attach(self, target: Locator, file: Path) -> None:
        self._reach(target)
        with self.page.expect_file_chooser() as chooser:
            self.page.keyboard.press("Enter")
        chooser.value.set_files(file)

    def _reach(self, target: Locator) -> None:
        target.wait_for()
        for _ in range(TABS):
            if target.evaluate(HERE):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{target} can't be reached by the Tab key on {self.page.url}")


WAYS = (Mouse, NoScript, Keyboard, Phone)
