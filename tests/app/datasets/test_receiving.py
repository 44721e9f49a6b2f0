"""The body of an upload below HTTP clients: chunk by chunk, beyond the limit, broken off."""

import asyncio
import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.core.services import Services
from app.core.settings import Settings
from tests.app.datasets.importing import REVIEWS
from tests.app.datasets.test_dataset_api import FORM, leftovers, multipart


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"max_upload_bytes": 3_000_000})


def ask(app: FastAPI, token: str, chunks: Iterator[bytes], broken: bool, length: str = "") -> tuple[int, int]:
    """One request as a server hands it over; its status, and how many bytes were asked for."""
    taken, statuses = 0, []
    headers = [(b"host", b"127.0.0.1:8000"), (b"authorization", token.encode()),
               (b"content-type", FORM["Content-Type"].encode())]  # fmt: skip
    if length:
        headers.append((b"content-length", length.encode()))
    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
             "path": "/api/v1/datasets", "raw_path": b"/api/v1/datasets", "query_string": b"",
             "root_path": "", "scheme": "http", "headers": headers, "client": ("127.0.0.1", 1),
             "server": ("127.0.0.1", 8000)}  # fmt: skip

    async def receive() -> dict[str, Any]:
        nonlocal taken
        chunk = next(chunks, None)
        if chunk is None:
            return {"type": "http.disconnect"} if broken else {"type": "http.request", "body": b""}
        taken += len(chunk)
        return {"type": "http.request", "body": chunk, "more_body": True}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    asyncio.run(app(scope, receive, send))
    return statuses[0], taken


def pieces(body: bytes, size: int) -> Iterator[bytes]:
    return (body[start : start + size] for start in range(0, len(body), size))


@pytest.mark.parametrize("size", [1, 7, 65_536])
def test_a_form_cut_into_any_chunks_is_the_same_file(
    app: FastAPI, services: Services, as_role: Callable[..., TestClient], size: int
) -> None:
    token = as_role("editor").headers["Authorization"]
    content = REVIEWS + b"--frontie,4,x\r\n--frontierx,4,y\r\n"
    body = multipart([("name", None, b"cut"), ("file", "r.csv", content)])
    assert ask(app, token, pieces(body, size), False) == (202, len(body))
    assert services.storage.has(hashlib.sha256(content).hexdigest())


def test_beyond_the_limit_nothing_more_is_read(
    app: FastAPI, services: Services, as_role: Callable[..., TestClient]
) -> None:
    token = as_role("editor").headers["Authorization"]
    body = multipart([("name", None, b"big"), ("file", "r.csv", b"x" * 50_000_000)])
    status, taken = ask(app, token, pieces(body, 65_536), False)
    assert status == 413
    assert taken < 6_000_000
    assert ask(app, token, pieces(body, 65_536), False, length=str(len(body))) == (413, 0)
    lying, taken = ask(app, token, pieces(body, 65_536), False, length="100")
    assert (lying, taken < 6_000_000) == (413, True)
    assert leftovers(services) == []


def test_a_sender_that_goes_away_leaves_no_data_set_and_no_file(
    app: FastAPI, services: Services, as_role: Callable[..., TestClient]
) -> None:
    editor = as_role("editor")
    body = multipart([("name", None, b"gone"), ("file", "r.csv", REVIEWS * 1000)])
    cut = pieces(body[: len(body) * 9 // 10], 65_536)
    assert ask(app, editor.headers["Authorization"], cut, True)[0] == 400
    assert editor.get("/api/v1/datasets/gone").status_code == 404
    assert leftovers(services) == []
    assert not list((services.settings.home / "storage" / "blobs").rglob("*/*"))
