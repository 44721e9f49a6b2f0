"""The copies of a machine: bounded, and never one that somebody is about to read."""

import os
import time
from pathlib import Path

import pytest

from app.core.storage.cache import RECENT_SECONDS, BlobCache

SIZE = 1000


@pytest.fixture
def cache(tmp_path: Path) -> BlobCache:
    return BlobCache(tmp_path / "blobs", 3 * SIZE)


def keep(cache: BlobCache, tmp_path: Path, name: str, idle: float = 2 * RECENT_SECONDS) -> Path:
    """A copy that was last used so long ago."""
    source = tmp_path / "source"
    source.write_bytes(name.encode() * SIZE)
    path = cache.keep(source, name * 64)
    os.utime(path, (time.time() - idle,) * 2)
    return path


def names(tmp_path: Path) -> str:
    return "".join(sorted(path.name[0] for path in (tmp_path / "blobs").glob("??/*")))


def test_the_least_recently_used_goes_when_there_are_too_many_bytes(cache: BlobCache, tmp_path: Path) -> None:
    for idle, name in enumerate("abc"):
        keep(cache, tmp_path, name, 2 * RECENT_SECONDS + 100 * idle)
    keep(cache, tmp_path, "d")
    assert names(tmp_path) == "abd"


def test_what_was_found_is_used(cache: BlobCache, tmp_path: Path) -> None:
    for idle, name in enumerate("abc"):
        keep(cache, tmp_path, name, 2 * RECENT_SECONDS + 100 * idle)
    assert cache.find("c" * 64)
    keep(cache, tmp_path, "d")
    assert names(tmp_path) == "acd"


def test_what_was_asked_for_a_moment_ago_stays_whatever_the_limit(cache: BlobCache, tmp_path: Path) -> None:
    for name in "abcdef":
        keep(cache, tmp_path, name, idle=0)
    assert names(tmp_path) == "abcdef"


def test_what_a_step_reads_stays_until_its_directory_is_gone(cache: BlobCache, tmp_path: Path) -> None:
    oldest = keep(cache, tmp_path, "a", 9 * RECENT_SECONDS)
    (tmp_path / "input").hardlink_to(oldest)
    for name in "bcd":
        keep(cache, tmp_path, name)
    assert "a" in names(tmp_path)
    (tmp_path / "input").unlink()
    keep(cache, tmp_path, "e")
    assert "a" not in names(tmp_path)


def test_what_earlier_processes_left_counts_too(tmp_path: Path) -> None:
    for name in "abc":
        keep(BlobCache(tmp_path / "blobs", 100 * SIZE), tmp_path, name)
    keep(BlobCache(tmp_path / "blobs", 2 * SIZE), tmp_path, "d")
    assert len(names(tmp_path)) == 2


def test_nobody_writes_into_a_copy(cache: BlobCache, tmp_path: Path) -> None:
    assert keep(cache, tmp_path, "a").stat().st_mode & 0o222 == 0
