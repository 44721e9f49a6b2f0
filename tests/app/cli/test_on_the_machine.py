"""``doctor`` and ``token create``: they need no server, only the home directory."""

import importlib.metadata
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

from app.cli.examination import ENCODER_PACKAGE, ENCODER_SHA256
from ml.training.encoders import BUNDLED_PACKAGE, BUNDLED_WEIGHTS_SHA256
from tests.programs.s3 import S3Server

PROGRAM = Path(sys.executable).with_name("fittingroom")


def fittingroom(home: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "FITTINGROOM_HOME": str(home),
        "FITTINGROOM_URL": "http://127.0.0.1:9",
    } | variables
    return subprocess.run([str(PROGRAM), *words], env=environment, capture_output=True, text=True)


def checks_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    return {check["name"]: check for check in json.loads(done.stdout)["checks"]}


def test_the_doctor_and_the_training_mean_the_same_encoder() -> None:
    assert (ENCODER_PACKAGE, ENCODER_SHA256) == (BUNDLED_PACKAGE, BUNDLED_WEIGHTS_SHA256)


def test_a_sound_machine_without_a_home_only_gets_warnings(tmp_path: Path) -> None:
    done = fittingroom(tmp_path / "new", "doctor", "-o", "json")
    assert done.returncode == 0, done.stderr
    checks = checks_of(done)
    assert checks["Fitting Room"]["details"] == importlib.metadata.version("fittingroom")
    assert checks["encoder"]["result"] == "ok"
    assert checks["packages"]["result"] == "ok", checks["packages"]["details"]
    assert checks["server"]["result"] == "warning"
    assert "make run" in checks["server"]["advice"]
    assert not (tmp_path / "new").exists()


def test_a_damaged_database_is_found_and_said(tmp_path: Path) -> None:
    (tmp_path / "main.db").write_bytes(b"not a database at all" * 100)
    done = fittingroom(tmp_path, "doctor", "-o", "json")
    assert done.returncode == 1
    assert checks_of(done)["database"]["result"] == "failed"
    assert "database" in done.stderr


def test_a_storage_that_cannot_be_used_is_found_and_said(tmp_path: Path, s3: S3Server) -> None:
    place = {"FITTINGROOM_STORAGE": "s3://missing/main", "FITTINGROOM_S3_ENDPOINT": s3.endpoint}
    checks = checks_of(fittingroom(tmp_path, "doctor", "-o", "json", **place))
    assert checks["storage"]["result"] == "failed"
    assert "no bucket 'missing'" in checks["storage"]["details"]


def test_a_token_is_printed_once_and_stored_as_a_hash(tmp_path: Path) -> None:
    home = tmp_path / "home"
    done = fittingroom(home, "token", "create", "--role", "editor", "-o", "json")
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert made["token"].startswith("fr_")
    again = fittingroom(home, "token", "create", "--role", "editor")
    assert again.stdout.strip().startswith("fr_")
    assert again.stdout.strip() != made["token"]
    with sqlite3.connect(home / "main.db") as database:
        everything = "\n".join(database.iterdump())
    database.close()
    assert made["id"] in everything
    assert made["token"] not in everything


def test_a_home_that_is_a_file_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = fittingroom(tmp_path / "file", "token", "create", "--role", "viewer")
    assert done.returncode == 1
    assert "FITTINGROOM_HOME" in done.stderr
    assert "Traceback" not in done.stderr
