"""A first look at an upload: at most one MiB of it, so that the web process may take it itself.

What it refuses (empty, something else than it says, no header) is refused at once with a 422; what it
guesses fills the mapping page. The full reading is a step on a worker.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ml.data.mapping import ColumnMapping, complete
from ml.data.opening import glance

SHOWN_ROWS = 50
SHOWN_CELLS = 4000
SHOWN_CELL = 500


@dataclass(frozen=True)
class Peek:
    """``rows`` are sample rows in the order of ``columns``; ``problems`` is what a person should know."""

    format: str
    compression: str
    encoding: str
    dialect: Mapping[str, object]
    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    mapping: ColumnMapping
    problems: tuple[str, ...]


def peek(path: Path, filename: str, given: Mapping[str, object] | None = None) -> Peek:
    """Raise :class:`~ml.contract.outcome.StepRefused` for a file that can never become a data set."""
    opened = glance(path, filename)
    facts = opened.table.facts
    dialect = facts["dialect"]
    shown = min(SHOWN_ROWS, max(5, SHOWN_CELLS // max(1, len(opened.table.columns))))
    return Peek(
        format=str(facts["format"]),
        compression=str(facts["compression"]),
        encoding=str(facts["encoding"]),
        dialect=dialect if isinstance(dialect, Mapping) else {},
        columns=opened.table.columns,
        rows=tuple(tuple(_shown(cell) for cell in row) for row in opened.sample[:shown]),
        mapping=complete(given or {}, opened.table.columns, opened.sample),
        problems=opened.table.warnings,
    )


def _shown(cell: str | None) -> str | None:
    """A cell that a page and a database can take: shortened, no NUL, no half characters."""
    if cell is None:
        return None
    return cell[:SHOWN_CELL].replace("\x00", "").encode("utf-8", "replace").decode()
