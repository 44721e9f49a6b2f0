"""The local directory's own: times, and a directory on another file system than the work."""

import os
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.core.settings import Settings
from app.core.storage import LocalStorage, StorageRefused, check_at_start, open_storage


@pytest.mark.parametrize("move", [False, True])
def test_what_is_put_again_is_new_to_a_collector(tmp_path: Path, move: bool) -> None:
    storage = LocalStorage(tmp_path / "storage")
    stored = storage.put_bytes(b"weights")
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    os.utime(storage.local_path(stored.sha256), (long_ago.timestamp(),) * 2)
    (seen,) = storage.blobs()
    assert seen.changed_at == long_ago
    (tmp_path / "again").write_bytes(b"weights")
    storage.put_file(tmp_path / "again", move=move)
    assert not storage.remove(stored.sha256, unless_changed_since=seen.changed_at)


def test_what_is_put_again_while_it_is_removed_is_there_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Put just when the collector has looked at its time and not yet removed it."""
    storage = LocalStorage(tmp_path / "storage")
    stored = storage.put_bytes(b"weights")
    (tmp_path / "again").write_bytes(b"weights")
    again = threading.Thread(target=storage.put_file, args=(tmp_path / "again",))
    unlink = Path.unlink

    def unlink_late(path: Path, missing_ok: bool = False) -> None:
        if path == storage.local_path(stored.sha256) and not again.ident:
            again.start()
            again.join(0.5)  # it waits for the removal; if it did not, it would be done by now
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", unlink_late)
    assert storage.remove(stored.sha256)
    again.join()
    storage.verify(stored.sha256)


def test_a_file_that_lay_about_for_days_is_new_once_it_is_stored(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "storage")
    (tmp_path / "old").write_bytes(b"weights")
    os.utime(tmp_path / "old", (1e9, 1e9))
    storage.put_file(tmp_path / "old", move=True)
    (blob,) = storage.blobs()
    assert blob.changed_at.timestamp() > 1.5e9


def test_work_on_another_file_system_is_moved_into_a_shared_directory(tmp_path: Path) -> None:
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is one file system only")
    storage = LocalStorage(tmp_path / "storage")
    source = shared / f"fitting-room-{os.getpid()}"
    source.write_bytes(b"weights")
    stored = storage.put_file(source, move=True)
    assert storage.read_bytes(stored.sha256) == b"weights"
    assert not source.exists()


def test_a_directory_may_be_named(tmp_path: Path) -> None:
    storage = open_storage(Settings(home=tmp_path / "home", storage=str(tmp_path / "shared")))
    stored = storage.put_bytes(b"weights")
    assert (tmp_path / "shared" / "blobs" / stored.sha256[:2] / stored.sha256).is_file()


def test_a_directory_that_cannot_be_made_is_refused_in_plain_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageRefused, match=r"The storage .*file/storage can't be written: Not a directory"):
        open_storage(Settings(home=tmp_path / "home", storage=str(tmp_path / "file" / "storage")))


def test_a_shared_directory_that_is_not_mounted_is_refused_in_plain_words(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "shared")
    storage.check()
    (tmp_path / "shared").rename(tmp_path / "gone")
    with pytest.raises(SystemExit, match=r"The storage .*shared can't be written: No such file"):
        check_at_start(storage)


@pytest.mark.parametrize("value", ["storage", "s3://", "https://bucket", "gs://bucket"])
def test_a_storage_of_another_kind_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(ValueError, match="neither s3://bucket/prefix nor the absolute path"):
        Settings(home=tmp_path, storage=value)
