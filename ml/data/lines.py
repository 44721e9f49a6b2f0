"""Physical lines of a byte stream, ended by LF, CRLF or CR, with the offset each starts at."""

from collections.abc import Iterable, Iterator

Line = tuple[int, bytes]


def split_lines(pieces: Iterable[bytes], limit: int, start: int = 0) -> Iterator[Line]:
    """Lines with their ends. Of a line beyond ``limit`` only the first ``limit + 1`` bytes are kept.

    ``bytes.splitlines`` knows just the three line ends; the one of ``str`` would also split at a form
    feed or at U+2028, which stand inside reviews.
    """
    offset, rest, dropping = start, b"", False
    for piece in pieces:
        lines = (rest + piece).splitlines(keepends=True)
        # The last line may go on in the next piece, and so may a CRLF of which only the CR was seen.
        rest = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
        for line in lines:
            if not dropping:
                yield offset, line[: limit + 1]
            dropping = False
            offset += len(line)
        if len(rest) > limit and not rest.endswith(b"\r"):
            if not dropping:
                yield offset, rest[: limit + 1]
            offset += len(rest)
            rest, dropping = b"", True
    if rest and not dropping:
        yield offset, rest[: limit + 1]
