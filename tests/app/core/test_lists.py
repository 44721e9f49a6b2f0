"""Lists as files, and what a spreadsheet would make of their cells."""

import csv
import io
import json
from datetime import UTC, datetime

import pytest

from app.core.lists import Column, Form, TooManyRows, as_csv, list_file

pytestmark = pytest.mark.both_databases

COLUMNS: list[Column[dict[str, object]]] = [
    Column("name", lambda row: row["name"]),
    Column("at", lambda row: row["at"]),
]
ROW: dict[str, object] = {"name": "=1+1", "at": datetime(2026, 11, 22, 9, 5, tzinfo=UTC)}


def test_csv_is_a_download_and_json_has_items_and_a_total() -> None:
    answer = list_file(Form.CSV, "runs", COLUMNS, [ROW])
    assert answer.headers["content-disposition"] == 'attachment; filename="runs.csv"'
    assert bytes(answer.body).decode() == "name,at\r\n'=1+1,2026-11-22T09:05:00+00:00\r\n"
    body = json.loads(bytes(list_file(Form.JSON, "runs", COLUMNS, [ROW]).body))
    assert body == {"items": [{"name": "=1+1", "at": "2026-11-22T09:05:00+00:00"}], "total": 1}


def test_more_rows_than_a_file_holds_are_refused_rather_than_cut() -> None:
    with pytest.raises(TooManyRows, match="100,000"):
        list_file(Form.CSV, "runs", COLUMNS, (ROW for _ in range(100_001)))


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\tx", "\rx", "\0=x", "＝1"])
def test_u27_no_text_runs_as_a_formula(text: str) -> None:
    written = as_csv(["a", "b"], [[text, -1.5]])
    _, (cell, number) = csv.reader(io.StringIO(written, newline=""))
    assert cell == f"'{text.replace(chr(0), '')}"
    assert number == "-1.5"


def test_a_cell_holds_a_list_by_semicolons_and_a_mapping_as_json() -> None:
    written = as_csv(["a", "b"], [[["x", "y"], {"-1": 2}]])
    _, cells = csv.reader(io.StringIO(written, newline=""))
    assert cells == ["x;y", '{"-1": 2}']
