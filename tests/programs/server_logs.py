"""The logs of the servers and workers that a test brought up, shown with the test that failed.

A plain list of files: whoever starts a process adds its log, whoever ends it takes the log away again.
"""

from collections.abc import Generator
from pathlib import Path

import pytest

SHOWN_LINES = 40
RUNNING: list[Path] = []


def last_lines(path: Path, count: int = SHOWN_LINES) -> str:
    if not path.exists():
        return ""
    return "\n".join(path.read_text(errors="replace").splitlines()[-count:])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Written down when a part of a test ends, before the fixtures that own the logs are torn down."""
    report = yield
    if report.failed:
        shown = ((path, last_lines(path)) for path in RUNNING)
        report.sections += [(f"end of {path}", text) for path, text in shown if text]
    return report
