import os
import stat
import subprocess
import time
from pathlib import Path

import pytest

from app.core.settings import Settings
from workers.broker import SOCKET_PATH_LIMIT, answers, broker_command, choose_socket
from workers.preflight import Refusal


def test_the_broker_answers_on_a_private_socket_that_the_settings_find(tmp_path: Path) -> None:
    process = subprocess.Popen(broker_command(tmp_path))
    settings = Settings(home=tmp_path)
    try:
        end = time.monotonic() + 20
        while not answers(settings.broker_socket):
            assert time.monotonic() < end
            time.sleep(0.02)
        assert stat.S_IMODE(settings.broker_socket.stat().st_mode) == 0o700
        assert stat.S_IMODE(settings.broker_socket.parent.stat().st_mode) == 0o700
        assert list((tmp_path / "broker" / "appendonlydir").iterdir())
    finally:
        process.terminate()
        process.wait(20)
    assert not answers(settings.broker_socket)


def test_a_path_too_long_for_a_socket_gets_a_short_one_of_our_own(tmp_path: Path) -> None:
    home = tmp_path / ("long" * 30)
    chosen = choose_socket(home)
    try:
        assert len(os.fsencode(chosen)) <= SOCKET_PATH_LIMIT
        assert stat.S_IMODE(chosen.parent.stat().st_mode) == 0o700
        assert choose_socket(home) == chosen
        chosen.parent.chmod(0o755)
        with pytest.raises(Refusal, match="open to others"):
            choose_socket(home)
    finally:
        chosen.parent.rmdir()
