import os
import socket
import stat
from pathlib import Path

import pytest

from app.core.settings import Settings
from tests.programs.s3 import S3Server
from workers.preflight import (
    Refusal,
    check_port,
    check_storage,
    file_system_of,
    lock_home,
    prepare_home,
    sign_lock,
)


def test_the_home_is_made_and_kept_private(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    prepare_home(home)
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    prepare_home(home)


def test_a_home_that_cannot_be_written_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Refusal, match="FITTINGROOM_HOME"):
        prepare_home(tmp_path / "file" / "home")


def test_a_second_instance_is_refused_and_told_who_runs(tmp_path: Path) -> None:
    first = lock_home(tmp_path)
    sign_lock(first, "http://127.0.0.1:8000")
    with pytest.raises(Refusal, match=rf"process {os.getpid()}, http://127.0.0.1:8000"):
        lock_home(tmp_path)
    os.close(first)
    os.close(lock_home(tmp_path))


def test_a_port_in_use_is_refused_and_the_next_one_named() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(Refusal, match=f"PORT={port + 1}"):
            check_port("127.0.0.1", port)
    check_port("127.0.0.1", port)


def test_the_file_system_is_that_of_the_deepest_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text("/dev/sda / ext4 rw 0 0\nserver:/x /home nfs4 rw 0 0\nshort line\n")
    assert file_system_of(Path("/home/ann/room"), mounts) == "nfs4"
    assert file_system_of(Path("/homestead"), mounts) == "ext4"
    assert file_system_of(Path("/home"), tmp_path / "nothing") == ""


def test_a_storage_that_cannot_be_used_is_refused_before_anything_starts(
    s3: S3Server, tmp_path: Path
) -> None:
    def settings(storage: str, endpoint: str = s3.endpoint) -> Settings:
        return Settings(home=tmp_path, storage=storage, s3_endpoint=endpoint)

    check_storage(settings(""))
    check_storage(settings(s3.create()))
    with pytest.raises(Refusal, match=r"no bucket 'missing'\.\nCreate it"):
        check_storage(settings("s3://missing/main"))
    with pytest.raises(Refusal, match="S3 does not answer"):
        check_storage(settings("s3://missing/main", "http://127.0.0.1:1"))
