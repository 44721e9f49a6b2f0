"""A sample of all faults: each point is killed once, and is once out of room or fails unforeseen.

``python -m tests.reliability.every_fault`` goes through all of them.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reliability.trials import Fault, Ground, a_few, all_faults, open_ground

SEED = 4
AT_LEAST = {
    *("commit.before", "commit.after", "commit.tell", "message.send", "outbox.send", "outbox.sent"),
    *("storage.write", "storage.fsync", "storage.rename", "storage.fsync_directory", "upload.write"),
    *("attempt.publish", "attempt.published", "anchor.write", "anchor.fsync", "serving.link"),
}


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory, migrated_home: Path) -> Iterator[Ground]:
    with open_ground(tmp_path_factory.mktemp("faults"), migrated_home) as ground:
        yield ground


def writes(point: str) -> bool:
    """Where a full disk is met; elsewhere only something unforeseen can happen."""
    what = point.partition(".")[2]
    return what.startswith(("write", "fsync", "rename", "copy", "close", "before", "layout", "start", "link"))


def try_all(faults: list[Fault], ground: Ground) -> None:
    assert faults
    wrong = [said for fault in faults if (said := ground.try_out(fault))]
    assert not wrong, "\n\n".join(wrong)


def test_the_points_are_found_by_walking(ground: Ground) -> None:
    found = {fault.point for fault in all_faults(ground)}
    assert found >= AT_LEAST


def test_c01_a_process_that_is_killed_at_any_point_leaves_one_artifact_and_the_right_end(
    ground: Ground,
) -> None:
    try_all(a_few(all_faults(ground), "kill", SEED), ground)


def test_c01_an_exception_that_nobody_foresaw_is_recovered_from(ground: Ground) -> None:
    faults = a_few(all_faults(ground), "raise", SEED)
    try_all([fault for fault in faults if not writes(fault.point)], ground)


def test_c13_a_disk_that_is_full_at_any_write_is_said_and_recovered_from(
    ground: Ground,
) -> None:
    faults = a_few(all_faults(ground), "enospc", SEED)
    try_all([fault for fault in faults if writes(fault.point)], ground)


def test_c01_a_training_that_is_killed_at_its_checkpoint_goes_on_from_one_that_is_whole(
    tmp_path: Path, migrated_home: Path
) -> None:
    with open_ground(tmp_path, migrated_home, ["train"]) as ground:
        try_all([Fault("train", "checkpoint.rename", "kill", 2)], ground)
