"""Settings from files: how a container platform hands over what must not stand in an environment."""

from pathlib import Path

import pytest

from app.core.settings import Settings, UnusableFile


@pytest.fixture
def secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    path = tmp_path / "database_url"
    monkeypatch.setenv("DATABASE_URL_FILE", str(path))
    return path


def test_a_setting_stands_in_the_file_that_its_variable_names(secret: Path) -> None:
    secret.write_text("postgresql://fitting:room@database/main\n")
    assert Settings().database_url == "postgresql://fitting:room@database/main"


def test_so_does_a_setting_of_our_own_names_and_of_another_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, content in (("lease_seconds", "7.5"), ("allowed_hosts", '["reviews.example"]')):
        (tmp_path / name).write_text(content)
        monkeypatch.setenv(f"FITTINGROOM_{name.upper()}_FILE", str(tmp_path / name))
    assert Settings().lease_seconds == 7.5
    assert Settings().allowed_hosts == ["reviews.example"]


def test_a_variable_that_is_set_to_nothing_leaves_the_word_to_the_file(
    secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret.write_text("postgresql://database/main")
    monkeypatch.setenv("DATABASE_URL", "")
    assert Settings().database_url == "postgresql://database/main"


def test_what_the_program_gives_itself_wins_over_a_file(secret: Path) -> None:
    secret.write_text("postgresql://database/main")
    assert Settings(database_url=None).database_url is None


def test_a_file_and_a_value_at_once_are_refused(secret: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret.write_text("postgresql://database/main")
    monkeypatch.setenv("DATABASE_URL", "postgresql://another/main")
    with pytest.raises(UnusableFile, match="both set"):
        Settings()


def test_a_file_that_is_missing_is_named_and_nothing_else_is_told(secret: Path) -> None:
    with pytest.raises(
        UnusableFile, match=r"DATABASE_URL_FILE names .*database_url, which can't be read: No such"
    ):
        Settings()
    secret.write_bytes(b"\xff\xfe secret")
    with pytest.raises(UnusableFile, match="it is not text") as refused:
        Settings()
    assert "secret" not in str(refused.value)
