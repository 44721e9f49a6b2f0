"""More writers at once than the process has threads or connections."""

import asyncio
from collections.abc import Callable

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.conftest import BASE_URL

pytestmark = pytest.mark.both_databases

WRITERS = 120  # three times the threads of an unlimited process


def test_writers_never_wait_for_a_thread_while_they_hold_the_gate(
    app: FastAPI, as_role: Callable[..., TestClient]
) -> None:
    key = as_role("editor").headers["Authorization"]

    async def create_all() -> list[int]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=BASE_URL, timeout=60) as client:
            headers = {"Authorization": key}
            posts = [
                client.post("/api/v1/tokens", json={"name": f"token {number}"}, headers=headers)
                for number in range(WRITERS)
            ]
            return [answer.status_code for answer in await asyncio.gather(*posts)]

    assert asyncio.run(create_all()) == [201] * WRITERS
