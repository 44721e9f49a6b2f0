"""What a page may weigh and ask for, and what it must not do: the budgets that need no clock."""

import csv
import gzip
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, Page

from tests.browser.conftest import NARROW, WIDE, Site
from tests.browser.pages import DOORS, LISTS, PAGES, PARTS, addresses
from tests.conftest import PASSWORD
from tests.house.routes import all_routes
from tests.programs.full_house import House

pytestmark = pytest.mark.browser
States = Callable[[Site, str], Any]

STATIC = Path(__file__).parents[2] / "static"
HTML_BYTES, CSS_BYTES, JS_BYTES = 40_000, 12_000, 25_000
REQUESTS = 8
LAYOUT_SHIFT = 0.02
# Two frames later; a page that nobody draws must not keep the test waiting for ever.
SETTLED = """() => new Promise(done => {
    requestAnimationFrame(() => requestAnimationFrame(done));
    setTimeout(done, 3000);
})"""
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
        if (!walk.currentNode.parentElement.closest('pre, textarea, option, .printed'))
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

    def problems(self) -> list[str]:
        """What is over its budget, in words."""
        own = urlsplit(self.requests[0]).netloc
        asked = [urlsplit(one).path for one in self.requests]
        found = {
            f"complains: {self.complaints}": self.complaints,
            f"{self.html} bytes of HTML, packed": self.html > HTML_BYTES,
            f"{len(asked)} requests: {asked}": len(asked) > REQUESTS,
            f"asks other hosts: {self.requests}": any(urlsplit(one).netloc != own for one in self.requests),
            f"shifts by {self.shift:.3f}": self.shift > LAYOUT_SHIFT,
            f"{self.sideways} px sideways": self.sideways > 0,
            f"ids that can't be copied: {self.uncopyable}": self.uncopyable,
        }
        return [f"{self.address}: {words}" for words, broken in found.items() if broken]


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
def test_a_page_keeps_to_its_budgets(look: Callable[..., Seen], house: House, route: str) -> None:
    name = None if route in DOORS else "anna"
    seen = [look(address, name) for address in addresses(house, route)]
    problems = [problem for each in seen for problem in each.problems()]
    assert not problems, "\n".join(problems)


def test_every_list_answers_as_csv_and_json(app: FastAPI, house: House, reader: httpx.Client) -> None:
    known = {route.path for route in all_routes(app) if route.path.endswith(".{form}")}
    assert known == {f"{path}.{{form}}" for path in {*LISTS, *PARTS}}
    for path in LISTS:
        _check_files(reader, addresses(house, path)[0])
    for address in PARTS.values():
        _check_files(reader, address.format(**vars(house)))


def _check_files(reader: httpx.Client, address: str) -> None:
    path, _, query = address.partition("?")
    table = reader.get(f"{path}.csv?{query}")
    assert (table.status_code, table.headers["content-type"].split(";")[0]) == (200, "text/csv"), address
    document = reader.get(f"{path}.json?{query}")
    assert (document.status_code, document.headers["content-type"]) == (200, "application/json"), address
    header, *rows = csv.reader(io.StringIO(table.text.removeprefix("\ufeff")))
    items = document.json()
    items = items["items"] if isinstance(items, dict) else items
    assert len(rows) == len(items), address
    assert {len(header)} == {len(each) for each in (*items, header)}, address


@pytest.fixture(scope="module")
def reader(full_site: Site) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=full_site.url, timeout=60) as client:
        client.post("/login", data={"name": "anna", "password": PASSWORD})
        yield client
