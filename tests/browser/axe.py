"""axe-core on a page that is open in Chromium: WCAG 2.2 AA, and nothing else.

``.venv/bin/python -m tests.browser.axe URL... [--user anna] [--dark] [--narrow] [--shot page.png]`` looks at
pages of a server that runs, for example over the home of tests.programs.full_house.
"""

import argparse
import shutil
from pathlib import Path
from urllib.parse import urljoin

from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import CANDIDATES, FLAGS, NARROW, WIDE
from tests.conftest import PASSWORD

SOURCE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
LEVELS = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]
# All that depends on colours: a second look at the same page in the other theme needs no more.
COLOURS = ["color-contrast", "link-in-text-block"]
# What is folded is opened, and what asks first is asked, one after the other: all of it is part of the page.
OPEN = "document.querySelectorAll('main details:not(.confirm)').forEach(each => { each.open = true; })"
ASK = "place => document.querySelectorAll('main .confirm > summary')[place].click()"
RUN = """async only => {
    const dialog = document.querySelector('dialog[open]');
    const {violations} = await axe.run(dialog || document, {runOnly: only, resultTypes: ['violations']});
    dialog?.close();
    return violations.flatMap(one => one.nodes.map(node =>
        `${one.id}: ${node.target.join(' ')} ${node.html.slice(0, 160)} ` +
        `(${node.failureSummary.split('\\n')[1]})`));
}"""


def violations(page: Page, theme: str = "light", *, colours_only: bool = False) -> list[str]:
    """One line for each element that breaks a rule."""
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce")
    if not page.evaluate("'axe' in window"):
        page.evaluate(SOURCE.read_text(encoding="utf-8"))  # by the debugger: the page's policy holds
        page.evaluate(OPEN)
    only = {"type": "rule", "values": COLOURS} if colours_only else {"type": "tag", "values": LEVELS}
    found: list[str] = page.evaluate(RUN, only)
    for place in range(page.locator("main .confirm > summary").count()):
        page.evaluate(ASK, place)
        found += page.evaluate(RUN, only)
    return [f"{theme} {line}" for line in found]


def both_themes(page: Page) -> list[str]:
    path = page.url.split("/", 3)[3]
    return [f"{path} {line}" for line in violations(page) + violations(page, "dark", colours_only=True)]


def of_addresses(page: Page, addresses: list[str]) -> list[str]:
    """Whether the page answers with a 200 or tells why not is for other tests."""
    found = []
    for address in addresses:
        page.goto(address)
        found += both_themes(page)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("urls", nargs="+")
    parser.add_argument("--user", default="anna")
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--narrow", action="store_true")
    parser.add_argument("--shot", type=Path)
    asked = parser.parse_args()
    path = next(found for name in CANDIDATES if (found := shutil.which(name)))
    width, height = NARROW if asked.narrow else WIDE
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        page = browser.new_page(viewport={"width": width, "height": height})
        page.on("console", lambda message: print(f"console {message.type}: {message.text}"))
        page.on("pageerror", lambda error: print(f"page error: {error}"))
        page.goto(urljoin(asked.urls[0], "/login"))
        page.fill("[name=name]", asked.user)
        page.fill("[name=password]", PASSWORD)
        page.click("button[type=submit]")
        for url in asked.urls:
            page.goto(url)
            found = violations(page, "dark" if asked.dark else "light")
            sideways = page.evaluate("document.documentElement.scrollWidth") - width
            print(f"{url}: {len(found)} violations, {max(0, sideways)} px sideways", *found, sep="\n  ")
            if asked.shot:
                page.screenshot(path=asked.shot, full_page=True)
        browser.close()


if __name__ == "__main__":
    main()
