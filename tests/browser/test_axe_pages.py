"""No page breaks a rule of WCAG 2.2 AA that axe-core knows: full, light and dark, wide and narrow."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, Page

from tests.browser import axe
from tests.browser.conftest import NARROW, WIDE, Site
from tests.browser.pages import DOORS, NOT_PAGES, PAGES, addresses, page_routes
from tests.house.routes import all_routes
from tests.programs.full_house import House

pytestmark = pytest.mark.browser
States = Callable[[Site, str], Any]


def test_every_page_has_a_case_and_every_case_a_page(app: FastAPI) -> None:
    assert set(page_routes(app)) == {*PAGES, *DOORS}
    assert set(NOT_PAGES) <= {route.path for route in all_routes(app)}


@pytest.fixture(scope="module", params=[WIDE, NARROW], ids=["wide", "narrow"])
def open_as(
    request: pytest.FixtureRequest, chromium: Browser, states: States, full_site: Site
) -> Iterator[Callable[[str | None], Page]]:
    """``open_as("anna")``: a page of theirs in the present width; None is a stranger's."""
    width, height = request.param
    pages: dict[str | None, Page] = {}

    def opened(name: str | None) -> Page:
        if name not in pages:
            state = states(full_site, name) if name else None
            size = {"width": width, "height": height}
            context = chromium.new_context(base_url=full_site.url, viewport=size, storage_state=state)
            pages[name] = context.new_page()
        return pages[name]

    yield opened
    for page in pages.values():
        page.context.close()


@pytest.mark.parametrize("route", PAGES)
def test_a_page_in_a_full_house(open_as: Callable[..., Page], house: House, route: str) -> None:
    assert axe.of_addresses(open_as("anna"), addresses(house, route)) == []


@pytest.mark.parametrize("route", DOORS)
def test_a_door(open_as: Callable[..., Page], house: House, route: str) -> None:
    assert axe.of_addresses(open_as(None), addresses(house, route)) == []
