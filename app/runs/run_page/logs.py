"""The part of an attempt's log that a page shows. Never all of a long one: the raw file is for that."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.runs import queries
from app.runs.queries import LogLine
from app.runs.run_page import queries as page_queries
from app.runs.tables import Attempt, Step

TAIL = 200  # lines at once
CHARACTERS = 32_000  # of all lines together: a line may have thousands
LINE_CHARACTERS = 800
CONTEXT = 20  # lines before the one that a link points to


@dataclass(frozen=True)
class Log:
    """``tail``: it ends with the newest line and follows it. ``find``: only lines with that text, the newest
    of ``matches``."""

    lines: Sequence[LogLine] = ()
    total: int = 0
    tail: bool = True
    find: str = ""
    matches: int = 0

    @property
    def first(self) -> int:
        return self.lines[0].number if self.lines else 0

    @property
    def last(self) -> int:
        return self.lines[-1].number if self.lines else 0

    @property
    def older(self) -> int | None:
        """The first line of the part before this one."""
        return max(1, self.first - TAIL) if self.first > 1 and not self.find else None

    @property
    def newer(self) -> int | None:
        return self.last + 1 if self.last < self.total and not self.find else None


def log_of(session: Session, step: Step, attempt: Attempt | None, line: int | None, find: str) -> Log:
    """``session`` is of the telemetry database."""
    if attempt is None:
        return Log()
    key = (session, step.run_id, step.id, attempt.number)
    total = queries.log_length(*key)
    if find:
        matches, lines = page_queries.log_matching(*key, find, TAIL)
        return Log(_newest(lines), total, False, find, matches)
    if line:
        return Log(_oldest(queries.log_lines(*key, line, TAIL)), total, tail=False)
    return Log(_newest(queries.log_lines(*key, max(1, total - TAIL + 1), TAIL)), total)


def around(line: int) -> int:
    """The first line of a part in which a line stands with what came before it."""
    return max(1, line - CONTEXT)


def _oldest(lines: Sequence[LogLine]) -> list[LogLine]:
    kept: list[LogLine] = []
    left = CHARACTERS
    for line in map(_cut, lines):
        left -= len(line.text)
        if kept and left < 0:
            break
        kept.append(line)
    return kept


def _newest(lines: Sequence[LogLine]) -> list[LogLine]:
    return _oldest(lines[::-1])[::-1]


def _cut(line: LogLine) -> LogLine:
    if len(line.text) <= LINE_CHARACTERS:
        return line
    more = f" … {len(line.text) - LINE_CHARACTERS:,} more characters, see the raw log"
    return LogLine(line.number, line.text[:LINE_CHARACTERS] + more, line.at)
