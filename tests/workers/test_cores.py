"""A worker in a container uses the cores that it was given, not those that the machine has."""

import os
from pathlib import Path

import pytest

from workers.cores import usable_cores

ALLOWED = len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("limit", "cores"),
    [("50000 100000", 1), ("100000 100000", 1), ("max 100000", ALLOWED), ("99900000 100000", ALLOWED)],
    ids=["half", "one", "unlimited", "more than there are"],
)
def test_the_quota_of_the_container_counts(tmp_path: Path, limit: str, cores: int) -> None:
    (tmp_path / "cpu.max").write_text(f"{limit}\n")
    assert usable_cores(tmp_path / "cpu.max") == cores


def test_without_a_quota_it_is_what_the_process_may_run_on(tmp_path: Path) -> None:
    assert usable_cores(tmp_path / "absent") == ALLOWED
