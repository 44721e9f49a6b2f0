"""Every link that a page shows leads somewhere, for whoever is shown it."""

import re
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from app.core.security import Actor
from app.core.services import Services
from app.registry.queries import NamedVersion
from tests.app.datasets.test_dataset_api import push_ready
from tests.app.runs.staging import Stage
from tests.reading import Page

PAGE = {"Accept": "text/html"}
STAND_IN = "/runs/run_1"  # the fixture's version names a run that was never launched


@pytest.mark.parametrize("role", ["viewer", "editor", "approver", "admin"])
def test_nobody_is_shown_a_link_that_refuses_them(
    role: str,
    services: Services,
    person: Callable[..., Actor],
    browser_as: Callable[..., TestClient],
    as_role: Callable[..., TestClient],
    register: Callable[..., NamedVersion],
) -> None:
    author = person("editor", "ml-author")
    stage = Stage(services, author.id)
    version = push_ready(as_role("editor"), services)["id"]
    stage.train(stage.launch(version))
    stage.fail(stage.launch(version), "prepare", "No text column.")
    stage.launch(version)
    register(author)
    reader = browser_as(role, "reader")
    found = {"/": ""}
    todo = ["/"]
    while todo:
        address = todo.pop()
        answer = reader.get(address, headers=PAGE)
        assert answer.status_code in (200, 303), (address, answer.status_code, "shown on", found[address])
        if not answer.headers.get("content-type", "").startswith("text/html"):
            continue
        for link in Page(answer.text).all("a[href]"):
            target = _resolved(address, link["href"])
            if target and target not in found and not re.match(f"(/api/v1)?{STAND_IN}", target):
                found[target] = address
                todo.append(target)
    assert len(found) > 20


def _resolved(page: str, href: str) -> str:
    """Within this site, without the fragment; what leaves it is not asked for."""
    target = href.partition("#")[0]
    if target.startswith("?"):
        return page.partition("?")[0] + target
    return target if target.startswith("/") else ""
