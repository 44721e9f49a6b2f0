"""What a page may weigh and ask for, and what it must not do: the budgets that need no clock."""

import gzip
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import NARROW, WIDE, Site
from tests.browser.pages import DOORS, PAGES, addresses
from tests.programs.full_house import House

pytestmark = pytest.mark.browser
States = Callable[[Site, str], Any]

STATIC = Path(__file__).parents[2] / "static"
HTML_BYTES, CSS_BYTES, JS_BYTES = 40_000, 12_000, 25_000
REQUESTS = 8
LAYOUT_SHIFT = 0.02
SETTLED = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
# Every shift that no key or click caused, and every word of the policy's refusals.
WATCH = """
window.seen = {shift: 0, refused: []};
new PerformanceObserver(list => list.getEntries().forEach(one => {
    if (!one.hadRecentInput) window.seen.shift += one.value;
})).observe({type: 'layout-shift', buffered: true});
document.addEventListener('securitypolicyviolation', one => window.seen.refused.push(one.violatedDirective));
"""
# The ids that stand in the text of the page's own part, outside of code, and that no button copies.
UNCOPYABLE = """() => {
    const ids = /\\b(ds|dv|run|md|mv|ep|dep|up|usr|tok|step)_[0-9a-z]{16}\\b/g;
    const copied = new Set([...document.querySelectorAll('[data-copy]')].map(one => one.dataset.copy));
    const walk = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
    const found = new Set();
    while (walk.nextNode())
        if (!walk.currentNode.parentElement.closest('pre, script, textarea, option'))
            for (const id of walk.currentNode.data.match(ids) || [])
                if (!copied.has(id)) found.add(id);
    return [...found];
}"""


def packed(content: bytes) -> int:
    return len(gzip.compress(content, 6))


@dataclass
class Seen:
    """One page as its first visitor gets it."""

    address: str
    html: int
    requests: list[str]
    complaints: list[str]
    shift: float
    sideways: int
    uncopyable: list[str] = field(default_factory=list)


def test_styles_and_scripts_are_small() -> None:
    scripts = [STATIC / "app.js", *STATIC.glob("vendor/*.js")]
    assert packed((STATIC / "app.css").read_bytes()) <= CSS_BYTES
    assert sum(packed(path.read_bytes()) for path in scripts) <= JS_BYTES


@pytest.fixture(scope="module", params=[WIDE, NARROW], ids=["wide", "narrow"])
def look(
    request: pytest.FixtureRequest, chromium: Browser, states: States, full_site: Site
) -> Iterator[Callable[[str, str | None], Seen]]:
    """``look("/runs", "anna")``: the page in a browser that has kept nothing from the pages before."""
    width, height = request.param

    def seen(address: str, name: str | None) -> Seen:
        context = chromium.new_context(
            base_url=full_site.url,
            viewport={"width": width, "height": height},
            storage_state=states(full_site, name) if name else None,
        )
        page = context.new_page()
        found = _visited(page, address)
        found.sideways -= width
        context.close()
        return found

    return seen


def _visited(page: Page, address: str) -> Seen:
    requests: list[str] = []
    complaints: list[str] = []
    page.add_init_script(WATCH)
    page.on("request", lambda request: requests.append(request.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None
    )
    answer = page.goto(address)
    assert answer is not None
    page.evaluate(SETTLED)
    seen = page.evaluate("window.seen")
    return Seen(
        address=address,
        html=packed(answer.body()),
        requests=requests,
        complaints=[
            *(one for one in complaints if "status of 403" not in one),
            *(f"refused by the policy: {one}" for one in seen["refused"]),
        ],
        shift=seen["shift"],
        sideways=page.evaluate("document.documentElement.scrollWidth"),
        uncopyable=page.evaluate(UNCOPYABLE),
    )


@pytest.mark.parametrize("route", [*PAGES, *DOORS])
def test_a_page_keeps_to_its_budgets(
    look: Callable[..., Seen], house: House, full_site: Site, route: str
) -> None:
    name = None if route in DOORS else "anna"
    for address in addresses(house, route):
        seen = look(address, name)
        assert seen.complaints == [], seen
        assert seen.html <= HTML_BYTES, seen
        assert len(seen.requests) <= REQUESTS, seen
        assert {urlsplit(one).netloc for one in seen.requests} == {urlsplit(full_site.url).netloc}, seen
        assert seen.shift <= LAYOUT_SHIFT, seen
        assert seen.sideways <= 0, seen
        assert seen.uncopyable == [], seen
