"""Ending a query of the simulated Athena, whenever that is asked for."""

import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from simulator.athena import queries
from simulator.athena.queries import Query, QueryFailed

ENDLESS = "SELECT COUNT(*) FROM range(100000000) a, range(100000000) b WHERE a.range < b.range"


def test_a_query_that_is_stopped_just_before_its_statement_begins_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The interruption finds nothing to interrupt, and the statement would go on for ever."""
    query = Query(ENDLESS, "default")
    about_to_ask, asked = threading.Event(), threading.Event()
    ask = queries.Query._ask

    def ask_late(self: Query, connection: object) -> object:
        about_to_ask.set()
        assert asked.wait(60)
        monkeypatch.setattr(Query, "cancelled", property(lambda _: False))  # it has looked just before
        return ask(self, connection)  # type: ignore[arg-type]

    monkeypatch.setattr(queries.Query, "_ask", ask_late)
    said: list[str] = []

    def run() -> None:
        def directory(name: str) -> Path:
            (tmp_path / name).mkdir()
            return tmp_path / name

        with pytest.raises(QueryFailed) as failed:
            query.run(SimpleNamespace(directory=directory))  # type: ignore[arg-type]
        said.append(str(failed.value))

    running = threading.Thread(target=run, daemon=True)
    running.start()
    assert about_to_ask.wait(60)
    query.cancel()
    asked.set()
    running.join(60)
    assert len(said) == 1
    assert list(tmp_path.iterdir()) == []
