"""How fast pages are with ten thousand runs in the database: the server's time, bytes, first paint.

``.venv/bin/python -m bench.pages [runs] [requests]`` furnishes a full house, copies one of its runs that many
times, serves it and asks each page that often, one request after the other over one connection. The first
contentful paint is Chromium's own figure, the median of five visits with a warm cache.
"""

import gzip
import math
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, sync_playwright

from app.core import migrations
from app.core.settings import Settings
from tests.browser.conftest import CANDIDATES, FLAGS, WIDE, serving
from tests.browser.pages import PAGES
from tests.conftest import PASSWORD
from tests.programs.full_house import House, add_many_runs, furnish

RUNS, REQUESTS, PAINTS = 10_000, 100, 5
WARMING = 3
PAINT = """() => new Promise(done => new PerformanceObserver(list => {
    const [found] = list.getEntriesByName('first-contentful-paint');
    if (found) done(found.startTime);
}).observe({type: 'paint', buffered: true}))"""
P95_MS, PAINT_MS = 150, 400


def main(runs: int, requests: int) -> None:
    home = Path(tempfile.mkdtemp(prefix="fr-bench-"))
    try:
        migrations.upgrade(Settings(home=home, database_url=None, redis_url=None))
        house = furnish(home)
        add_many_runs(house, runs)
        house.services.close()
        with serving(home) as url:
            measure(url, house, requests)
    finally:
        shutil.rmtree(home)


def measure(url: str, house: House, requests: int) -> None:
    """One address a route: the first, which shows most."""
    addresses = [each[0].format(**vars(house)) for each in PAGES.values()]
    print(f"{'page':44} {'median':>8} {'p95':>8} {'html gz':>9} {'all gz':>9} {'paint':>8}")
    with httpx.Client(base_url=url, timeout=60) as client, sync_playwright() as playwright:
        sign_in(client)
        path = next(found for name in CANDIDATES if (found := shutil.which(name)))
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        found = [row(client, browser, url, address, requests) for address in addresses]
        browser.close()
    slowest, latest = (max(each) for each in zip(*found, strict=True))
    print(f"slowest p95 {slowest:.0f} ms (wanted: {P95_MS}), latest first paint {latest:.0f} ms ({PAINT_MS})")


def sign_in(client: httpx.Client) -> None:
    answer = client.post("/login", data={"name": "anna", "password": PASSWORD})
    assert answer.status_code == 303, answer.text


def row(client: httpx.Client, browser: Browser, url: str, address: str, requests: int) -> tuple[float, float]:
    times = [timed(client, address) for _ in range(WARMING + requests)][WARMING:]
    html = packed(client.get(address).content)
    paint, whole = painted(browser, client, url, address)
    p95 = sorted(times)[math.ceil(0.95 * len(times)) - 1]
    shown = address if len(address) < 44 else address[:40] + "…"
    print(
        f"{shown:44} {statistics.median(times):5.0f} ms {p95:5.0f} ms {html / 1000:6.1f} kB "
        f"{whole / 1000:6.1f} kB {paint:5.0f} ms",
        flush=True,
    )
    return p95, paint


def timed(client: httpx.Client, address: str) -> float:
    began = time.perf_counter()
    answer = client.get(address)
    assert answer.status_code == 200, (address, answer.status_code)
    return (time.perf_counter() - began) * 1000


def packed(content: bytes) -> int:
    return len(gzip.compress(content, 6))


def painted(browser: Browser, client: httpx.Client, url: str, address: str) -> tuple[float, int]:
    """The median of the first paints, and the bytes of page, styles, scripts and icons together."""
    context = browser.new_context(base_url=url, viewport={"width": WIDE[0], "height": WIDE[1]})
    context.add_cookies(
        [{"name": name, "value": value, "url": url} for name, value in client.cookies.items()]
    )
    page = context.new_page()
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(request.url))
    paints: list[Any] = []
    for _ in range(1 + PAINTS):
        page.goto(address)
        paints.append(page.evaluate(PAINT))
    context.close()
    whole = sum(packed(client.get(each).content) for each in asked if not each.endswith("/live"))
    return statistics.median(paints[1:]), whole


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    main(*given, *(RUNS, REQUESTS)[len(given) :])
