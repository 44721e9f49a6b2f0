from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from app.core.security import Actor
from app.registry.queries import NamedVersion


@pytest.fixture
def deployer(
    register: Callable[..., NamedVersion],
    approve: Callable[..., None],
    person: Callable[..., Actor],
    browser_as: Callable[..., TestClient],
) -> TestClient:
    """A signed-in editor; two approved versions, the second of which reads titles; the first is live."""
    author, boss = person("editor", "anna"), person("approver", "boss")
    approve(register(author, step="1"), boss)
    approve(register(author, step="2", fields=("text", "title")), boss)
    client = browser_as("editor", "emil")
    answer = client.post("/deployments", data={"endpoint": "shop", "pick": "clothing@1"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/endpoints/shop")
    return client
