"""How the pages write what is measured."""

from datetime import timedelta

import pytest

from app.core.pages import duration


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0, "<0.1s"),
        (0.049, "<0.1s"),
        (0.05, "0.1s"),
        (0.4, "0.4s"),
        (14, "14s"),
        (1289, "21m 29s"),
        (11100, "3h 05m"),
        (None, "–"),
    ],
)
def test_no_duration_reads_as_nothing(seconds: float | None, shown: str) -> None:
    assert duration(seconds) == shown
    assert seconds is None or duration(timedelta(seconds=seconds)) == shown
