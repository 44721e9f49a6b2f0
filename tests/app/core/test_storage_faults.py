"""Every way to die on the way to S3 and from there to another machine: nothing is ever half there."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from app.core.storage import Storage, hash_file
from ml.contract.faults import VARIABLE, InjectedFault, armed
from tests.programs.s3 import S3Server
from tests.programs.twins import PART_BYTES, s3_storage

ROOT = Path(__file__).parents[3]
POINTS = (
    "storage.write",
    "storage.upload",
    "storage.upload.part",
    "storage.upload.complete",
    "storage.fsync",
    "storage.rename",
    "storage.fsync_directory",
    "storage.fetch",
    "storage.link",
)
PROGRAM = """
import sys
from pathlib import Path
from tests.app.core.test_storage_faults import carry
from tests.programs.twins import s3_storage
place, endpoint, root = sys.argv[1], sys.argv[2], Path(sys.argv[3])
carry(s3_storage(place, root / "here", endpoint), s3_storage(place, root / "there", endpoint), root, "killed")
"""


def carry(here: Storage, there: Storage, root: Path, name: str) -> None:
    """Store a large file and a small one on one machine, lay them out on another."""
    large, small = root / "large", root / "small"
    large.write_bytes(name.encode() + b"l" * PART_BYTES)
    small.write_text(name)
    tree = here.put_tree({"model/large": large, "small": small}, move=True)
    there.materialize(tree, Path(tempfile.mkdtemp(dir=root)))


def must_be_whole(storage: Storage, root: Path, blobs: int) -> None:
    """Whatever bears a hash as its name has it, on S3 and on both machines."""
    stored = list(storage.blobs())
    for blob in stored:
        storage.verify(blob.sha256)
    copies = [path for path in root.glob("*/blobs/??/*") if path.is_file()]
    assert [path for path in copies if hash_file(path) != path.name] == []
    assert len(stored) == blobs


@pytest.fixture
def place(s3: S3Server) -> str:
    return s3.create()


@pytest.mark.parametrize("kind", ["raise", "enospc"])
def test_c01_what_fails_on_the_way_to_s3_is_whole_at_the_next_try(
    s3: S3Server, place: str, tmp_path: Path, kind: str
) -> None:
    here = s3_storage(place, tmp_path / "here", s3.endpoint)
    there = s3_storage(place, tmp_path / "there", s3.endpoint)
    for point in POINTS:
        with armed(f"{point}:{kind}"), pytest.raises((InjectedFault, OSError)):
            carry(here, there, tmp_path, point)
        assert [*here.scratches(), *there.scratches()] == [], point
        carry(here, there, tmp_path, point)
    must_be_whole(here, tmp_path, 3 * len(POINTS))


@pytest.mark.parametrize("point", ["storage.upload.complete", "storage.fetch"])
def test_c01_a_process_killed_on_the_way_to_s3_leaves_nothing_half_there(
    s3: S3Server, place: str, tmp_path: Path, point: str
) -> None:
    command = [sys.executable, "-c", PROGRAM, place, s3.endpoint, str(tmp_path)]
    environment = {**os.environ, VARIABLE: f"{point}:kill", "PYTHONPATH": str(ROOT)}
    assert subprocess.run(command, env=environment, check=False).returncode == -signal.SIGKILL
    here = s3_storage(place, tmp_path / "here", s3.endpoint)
    carry(here, s3_storage(place, tmp_path / "there", s3.endpoint), tmp_path, "killed")
    must_be_whole(here, tmp_path, 3)
