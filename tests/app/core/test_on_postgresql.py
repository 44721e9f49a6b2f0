"""What PostgreSQL refuses and SQLite stores, as a person and a program meet it."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.mark.parametrize("address", ["/runs?q=%00", "/datasets?q=%00", "/search?q=%00", "/runs/run_%00"])
def test_a_nul_in_an_address_is_no_mistake_of_the_server(
    as_role: Callable[..., TestClient], address: str
) -> None:
    assert as_role("viewer").get(address).status_code < 500


def test_a_nul_in_a_name_is_refused_in_plain_words(as_role: Callable[..., TestClient]) -> None:
    answer = as_role("admin").post("/api/v1/tokens", json={"name": "a\0b", "role": "viewer"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
