"""``fittingroom migrate``: once before everything else starts, as a container does it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from app.core import migrations
from app.core.settings import Settings

PROGRAM = Path(sys.executable).with_name("fittingroom")


def migrate(home: Path, **settings: str) -> Any:
    environment = {**os.environ, "FITTINGROOM_HOME": str(home), **settings}
    command = [str(PROGRAM), "migrate", "-o", "json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_it_makes_the_tables_and_a_link_that_people_can_open(tmp_path: Path) -> None:
    first = migrate(tmp_path, FITTINGROOM_PUBLIC_URL="https://reviews.example")
    assert first["migrated"]
    assert first["setup_link"].startswith("https://reviews.example/setup?token=")
    assert not migrations.head_differs(Settings(home=tmp_path))
    assert (tmp_path / "storage").is_dir()
    again = migrate(tmp_path, PORT="8123")
    assert not again["migrated"]
    assert again["setup_link"].startswith("http://127.0.0.1:8123/setup?token=")
