"""``backup``, ``restore``, ``check`` and ``collect`` as they are typed, on homes of their own."""

import json
import os
import time
from pathlib import Path

import pytest

from app.core.services import Services
from tests.app.cli.test_on_the_machine import fittingroom
from tests.app.runs.staging import Stage


@pytest.fixture
def home(services: Services) -> Path:
    if services.settings.database_url:
        pytest.skip("these commands are typed on SQLite here; tests/app/monitoring has both")
    stage = Stage(services, "usr_1")
    stage.succeed(stage.launch(stage.dataset()), "prepare", {"snapshot.json": b"prepared"})
    return services.settings.home


def test_a_home_is_saved_brought_back_and_found_whole(home: Path, tmp_path: Path) -> None:
    saved = fittingroom(home, "backup", str(tmp_path / "backups"))
    assert saved.returncode == 0, saved.stderr
    assert Path(saved.stdout.strip()).parent == tmp_path / "backups"
    new = tmp_path / "new"
    restored = fittingroom(home, "restore", str(tmp_path / "backups"), "--home", str(new), "-o", "json")
    assert restored.returncode == 0, restored.stderr
    assert json.loads(restored.stdout)["home"] == str(new)
    checked = fittingroom(new, "check", "--content", "-o", "json")
    assert checked.returncode == 0, checked.stderr
    assert json.loads(checked.stdout)["whole"] is True
    again = fittingroom(home, "restore", str(tmp_path / "backups"), "--home", str(new))
    assert again.returncode == 1
    assert "not empty" in again.stderr
    assert "Traceback" not in again.stderr


def test_what_is_missing_is_listed_and_fails(home: Path) -> None:
    blob = max((home / "storage" / "blobs").glob("??/*"), key=lambda path: path.stat().st_mtime_ns)
    blob.unlink()
    checked = fittingroom(home, "check")
    assert checked.returncode == 1
    assert "missing" in checked.stdout
    assert "step prepare" in checked.stdout
    assert "Traceback" not in checked.stderr


def test_a_dry_run_tells_and_a_real_one_removes(home: Path) -> None:
    forgotten = home / "storage" / "blobs" / "ab" / ("ab" * 32)
    forgotten.parent.mkdir(exist_ok=True)
    forgotten.write_bytes(b"forgotten")
    os.utime(forgotten, (time.time() - 3 * 24 * 3600,) * 2)
    said = fittingroom(home, "collect", "--dry-run", "--older-than", "2d", "-o", "json")
    assert json.loads(said.stdout)["count"] == 1, said.stderr
    assert forgotten.exists()
    done = fittingroom(home, "collect", "--older-than", "48h")
    assert done.returncode == 0, done.stderr
    assert "1 files of 9 bytes are gone" in done.stderr
    assert not forgotten.exists()
    wrong = fittingroom(home, "collect", "--older-than", "soon")
    assert wrong.returncode == 2


def test_a_mistyped_home_is_not_made(tmp_path: Path) -> None:
    for words in (("backup", str(tmp_path / "backups")), ("check",), ("collect",)):
        done = fittingroom(tmp_path / "typo", *words)
        assert done.returncode == 1, words
        assert "holds no installation" in done.stderr
    assert not (tmp_path / "typo").exists()
    assert not list(tmp_path.iterdir())
