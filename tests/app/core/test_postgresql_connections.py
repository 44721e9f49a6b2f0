"""How the product connects to PostgreSQL: by name, with limits, and again after the server was away."""

import pytest
from sqlalchemy import make_url, text

from app.core.database import Databases, postgresql_url
from app.core.settings import Settings

on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def settings_of(settings: Settings, role: str, *names: str) -> list[str]:
    databases = Databases.open(settings, role)
    with databases.main.engine.connect() as connection:
        found = [str(connection.scalar(text(f"SHOW {name}"))) for name in names]
    databases.close()
    return found


LIMITS = ("application_name", "lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")


@on_postgresql
def test_a_web_process_is_named_and_limited(settings: Settings) -> None:
    assert settings_of(settings, "web", *LIMITS) == ["fittingroom web", "20s", "1min", "1min"]


@on_postgresql
def test_a_command_may_take_its_time_but_not_while_others_wait(settings: Settings) -> None:
    assert settings_of(settings, "command", *LIMITS) == ["fittingroom command", "1min", "0", "0"]


def test_what_the_address_says_itself_stands() -> None:
    url = make_url("postgresql://db.example/fr?application_name=mine&options=-c%20lock_timeout%3D1s")
    used = postgresql_url(url, "web")
    assert used.drivername == "postgresql+psycopg"
    assert (used.query["application_name"], used.query["options"]) == ("mine", "-c lock_timeout=1s")
    assert used.query["connect_timeout"] == "5"
