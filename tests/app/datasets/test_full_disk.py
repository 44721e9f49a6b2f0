"""An upload that the disk refuses. The kernel itself refuses it, by a limit on this process's files."""

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from app.core.errors import DiskFull
from app.core.problems import as_refusal
from app.core.services import Services
from tests.app.datasets.importing import REVIEWS
from tests.app.datasets.test_dataset_api import leftovers, push

LARGEST_FILE = 1_500_000  # the databases of a test stay well below
LARGE = REVIEWS + b"A good dress,5,title\n" * 150_000


@contextmanager
def no_room() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_said_leaves_nothing_and_is_forgotten_once_there_is_room(
    as_role: Callable[..., TestClient], services: Services
) -> None:
    editor = as_role("editor")
    with no_room():
        answer = push(editor, LARGE, "large", "large.csv")
    assert answer.status_code == 507
    problem = answer.json()
    assert problem["code"] == "disk_full"
    assert "Make room" in problem["advice"]
    assert editor.get("/api/v1/datasets/large").status_code == 404
    assert leftovers(services) == []
    assert not list((services.settings.home / "storage" / "blobs").rglob("*/*"))
    assert push(editor, LARGE, "large", "large.csv").status_code == 202


def test_people_who_upload_by_the_form_read_the_same(browser_as: Callable[..., TestClient]) -> None:
    editor = browser_as("editor", "erik")
    files = {"file": ("large.csv", LARGE)}
    with no_room():
        answer = editor.post("/uploads", data={"name": "large"}, files=files)
    assert answer.status_code == 507
    assert "disk is full" in answer.text


def test_a_database_that_cannot_grow_says_so_too(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'small.db'}")
    with engine.connect() as connection:
        connection.execute(text("CREATE TABLE t (x TEXT)"))
        connection.execute(text("PRAGMA max_page_count = 2"))
        with pytest.raises(OperationalError) as full:
            connection.execute(text("INSERT INTO t VALUES (:x)"), {"x": "x" * 100_000})
    engine.dispose()
    assert isinstance(as_refusal(full.value), DiskFull)
