"""A version's rows, searched group by group with a bound on what one request reads."""

from collections.abc import Callable
from dataclasses import replace

import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from app.core.services import Services
from app.datasets import queries, rows
from app.datasets.rows import Asked, find_rows
from app.datasets.tables import DatasetVersion
from ml.data import shards
from tests.app.datasets.importing import push_ready

MANY = b"text,rating,title,category\n" + b"".join(
    b"a review of dress number %d,%d,%s,Tops\n" % (n, n % 5 + 1, b"Zipper broke" if n % 100 == 7 else b"fine")
    for n in range(1000)
)


@pytest.fixture
def version(
    services: Services, as_role: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch
) -> DatasetVersion:
    """A thousand rows in shards of 300 and groups of 100."""
    monkeypatch.setattr(shards, "BATCH_ROWS", 100)
    monkeypatch.setattr(shards.ShardWriter.__init__, "__defaults__", (300,))
    ready = push_ready(as_role("editor"), services, MANY)
    with services.works.reading() as work:
        found = queries.version_by_id(work.session, ready["id"])
    assert found is not None
    return found.version


def test_pages_follow_each_other_over_shards_without_a_gap(
    services: Services, version: DatasetVersion
) -> None:
    assert len(services.storage.tree(version.tree_sha256 or "").files) == 4 + 2
    seen: list[int] = []
    start: int | None = 0
    while start is not None:
        page = find_rows(services.storage, version, Asked(start=start), 70)
        seen += [row["row"] for row in page.items]
        start = page.next
    assert seen == list(range(1, 1001))


def test_a_search_finds_what_matches_and_goes_on_behind_it(
    services: Services, version: DatasetVersion
) -> None:
    asked = Asked(text="ZIPPER broke")
    first = find_rows(services.storage, version, asked, 6)
    assert [row["row"] for row in first.items] == [8, 108, 208, 308, 408, 508]
    assert first.next == 607
    second = find_rows(services.storage, version, replace(asked, start=607), 6)
    assert [row["row"] for row in second.items] == [608, 708, 808, 908]
    assert second.next is None
    assert not find_rows(services.storage, version, Asked(text="zip.er"), 6).items
    labelled = find_rows(services.storage, version, Asked(text="dress", label="0"), 500)
    assert {row["rating"] for row in labelled.items} == {3}
    assert len(labelled.items) == 200


def test_a_search_that_would_read_too_much_stops_and_says_where(
    services: Services, version: DatasetVersion
) -> None:
    group = pq.ParquetFile(
        services.storage.local_path(services.storage.tree(version.tree_sha256 or "").files[1].sha256)
    )
    most = group.metadata.row_group(0).total_byte_size * 2 + 2000
    found = find_rows(services.storage, version, Asked(text="nothing has this"), 6, most)
    assert (found.items, found.next, found.stopped) == ([], 200, True)
    once = find_rows(services.storage, version, Asked(text="nothing has this"), 6, 1)
    assert (once.next, once.stopped) == (100, True)  # one group is always read, so a search comes on


def test_the_page_searches_pages_and_gives_files(
    browser_as: Callable[..., TestClient],
    services: Services,
    version: DatasetVersion,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    viewer = browser_as("viewer")
    address = f"/datasets/{version.dataset_id}/v/1/rows"
    page = viewer.get(address).text
    assert "1–25 of 1,000" in page
    assert "after=25" in page
    assert "26–50 of 1,000" in viewer.get(f"{address}?after=25").text
    found = viewer.get(f"{address}?q=zipper&label=0").text
    assert "10 matching rows" in found
    assert "No row matches" in viewer.get(f"{address}?q=zipper&label=1").text
    assert viewer.get(f"{address}.csv?q=zipper").text.count("\r\n") == 11
    listed = viewer.get(f"{address}.json?q=zipper").json()
    assert (listed["total"], listed["items"][0]["title"]) == (10, "Zipper broke")
    assert "No row matches" in viewer.get(f"{address}?q=velvet").text
    monkeypatch.setattr(rows.find_rows, "__defaults__", (1,))
    stopped = viewer.get(f"{address}?q=velvet").text
    assert "The search stopped at row 100 of 1,000" in stopped
    assert "q=velvet&amp;label=&amp;after=100" in stopped
