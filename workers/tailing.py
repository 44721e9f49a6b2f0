"""Following the file into which a step's program writes, as whole lines.

A file, not a pipe: a worker that is slow or stopped must never block the training that writes.
"""

from dataclasses import dataclass, field
from pathlib import Path

from app.runs.queries import LINES_A_CHUNK

READ_LIMIT = 1024 * 1024  # what one look takes in at most; the rest is there at the next one
LINE_LIMIT = 4000  # characters; a longer line is cut and says so
LOG_LIMIT = 64 * 1024 * 1024  # of an attempt; a program that writes more is not worth the database


@dataclass
class Tail:
    path: Path
    _offset: int = 0
    _partial: bytes = field(default=b"", repr=False)

    def read(self, *, last: bool = False) -> list[str]:
        """The whole lines written since the last look; with ``last`` also an unfinished one."""
        content = self._new_bytes()
        *whole, self._partial = (self._partial + content).split(b"\n")
        if len(self._partial) > 4 * LINE_LIMIT:  # a progress bar without line ends
            whole, self._partial = [*whole, self._partial], b""
        if last and self._partial:
            whole, self._partial = [*whole, self._partial], b""
        return [clean(line) for line in whole]

    def drain(self) -> list[str]:
        """Everything up to the end, after the program has ended."""
        lines: list[str] = []
        while more := self.read():
            lines += more
        return lines + self.read(last=True)

    def _new_bytes(self) -> bytes:
        if self._offset >= LOG_LIMIT:
            return b""
        with self.path.open("rb") as file:
            file.seek(self._offset)
            content = file.read(READ_LIMIT)
        self._offset += len(content)
        if self._offset >= LOG_LIMIT:
            content += b"\n[the log is longer; the rest was not kept]\n"
        return content


def clean(line: bytes) -> str:
    """Only the last state of a line that was redrawn with carriage returns; never a NUL."""
    text = line.decode("utf-8", "replace").rstrip("\r").rpartition("\r")[2].replace("\0", "�")
    return text if len(text) <= LINE_LIMIT else text[:LINE_LIMIT] + " … [cut]"


def in_chunks(lines: list[str]) -> list[list[str]]:
    return [lines[start : start + LINES_A_CHUNK] for start in range(0, len(lines), LINES_A_CHUNK)]
