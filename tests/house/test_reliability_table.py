"""docs/reliability.md promises a test for each case of the catalogue; here the tests hold it to its word."""

import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
CASES = range(1, 26)
TEST = re.compile(r"\btest_c(\d\d)_\w+")
DEFINED = re.compile(r"^\s*def (test_c\d\d_\w+)", re.MULTILINE)
DOCUMENT = (ROOT / "docs" / "reliability.md").read_text()


def found_by_case() -> dict[int, set[str]]:
    found: dict[int, set[str]] = defaultdict(set)
    for file in (ROOT / "tests").rglob("test_*.py"):
        for name in DEFINED.findall(file.read_text()):
            found[int(name[6:8])].add(name)
    return found


def rows() -> dict[int, str]:
    """The table's rows by the number of their case."""
    return {int(row[1]): row[0] for row in re.finditer(r"^\| C(\d+) \|.*$", DOCUMENT, re.MULTILINE)}


def excused() -> dict[int, str]:
    """The cases that no test can show, with their reasons."""
    part = DOCUMENT.partition("## What is not a test")[2].partition("\n## ")[0]
    return {
        int(number): reason for number, reason in re.findall(r"^- \*\*C(\d+)\*\*(.*)$", part, re.MULTILINE)
    }


def test_the_table_names_every_case_and_exactly_its_tests() -> None:
    assert sorted(rows()) == list(CASES)
    tests = found_by_case()
    for case, row in rows().items():
        named = {match[0] for match in TEST.finditer(row)}
        assert named == tests.get(case, set()), f"C{case}"


def test_a_case_without_a_test_stands_with_its_reason_on_the_list() -> None:
    without = {case for case in CASES if case not in found_by_case()}
    assert without == set(excused())
    assert all(len(reason) > 40 for reason in excused().values())
