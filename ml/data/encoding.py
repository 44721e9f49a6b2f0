"""Which encoding a text upload is in: byte order mark, strict UTF-8, UTF-16 by its NULs, else cp1252.

No statistics: charset guessers take a short Latin-1 file for EBCDIC. The decision holds for the whole
file, so an import decides in a pass of its own over every byte, at about the speed of the disk.
"""

import codecs
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from ml.contract.outcome import StepRefused
from ml.data.source import FORMATS, Source

EncodingName = Literal["utf-8", "utf-16-le", "utf-16-be", "cp1252"]

BOMS: tuple[tuple[bytes, EncodingName], ...] = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
UTF32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
SAMPLE = 1 << 16
# Control characters that text has no use for. More than one in fifty of them is a binary file.
CONTROLS = bytes(set(range(32)) - {0, 9, 10, 11, 12, 13, 26, 27})


@dataclass(frozen=True)
class Encoding:
    """``bom`` is the length of the byte order mark, which is no part of the text."""

    name: EncodingName
    bom: int = 0

    @property
    def label(self) -> str:
        return f"{self.name} with byte order mark" if self.bom else self.name

    @property
    def warning(self) -> str | None:
        if self.name != "cp1252":
            return None
        return (
            "The file is not UTF-8. It was read as cp1252 (Western European): "
            "check accents and quotation marks in the rows below."
        )


def guess_encoding(head: bytes, complete: bool) -> Encoding:
    """Decide from the first bytes alone; ``complete`` says that there are no others."""
    marked = _marked_or_wide(head)
    if marked is not None:
        return marked
    try:
        codecs.getincrementaldecoder("utf-8")("strict").decode(head, complete)
    except UnicodeDecodeError:
        return Encoding("cp1252")
    return Encoding("utf-8")


def decide_encoding(source: Source, between: Callable[[], None]) -> Encoding:
    """Decide from every byte. ``between`` is called after each piece: for progress and for stopping."""
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    decided: Encoding | None = None
    for number, piece in enumerate(source.pieces()):
        if number == 0:
            decided = _marked_or_wide(piece[:SAMPLE])
        if decided is None:
            decided = _not_utf8(decoder, piece)
        between()  # The pass goes on after the decision: it also finds damage and bombs.
    if decided is not None:
        return decided
    try:
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return Encoding("cp1252")
    return Encoding("utf-8")


def _not_utf8(decoder: codecs.IncrementalDecoder, piece: bytes) -> Encoding | None:
    try:
        decoder.decode(piece)
    except UnicodeDecodeError:
        return Encoding("cp1252")
    return None


def _marked_or_wide(head: bytes) -> Encoding | None:
    if head.startswith(UTF32):
        raise StepRefused("The file is in UTF-32.", "Save it as UTF-8 and upload it again.")
    for mark, name in BOMS:
        if head.startswith(mark):
            return Encoding(name, len(mark))
    wide = _wide(head[:SAMPLE])
    if wide is None and _binary(head[:SAMPLE]):
        raise StepRefused("This is a binary file, not a table of reviews.", FORMATS)
    return wide


def _wide(sample: bytes) -> Encoding | None:
    """UTF-16 without a mark shows as NULs on one side of each pair, and it is valid UTF-8 at that."""
    pairs = len(sample) // 2
    if pairs < 2:
        return None
    even, odd = sample[0::2].count(0) / pairs, sample[1::2].count(0) / pairs
    if odd > 0.3 and even < 0.05:
        return Encoding("utf-16-le")
    if even > 0.3 and odd < 0.05:
        return Encoding("utf-16-be")
    return None


def _binary(sample: bytes) -> bool:
    controls = len(sample) - len(sample.translate(None, CONTROLS))
    return controls > max(8, len(sample) // 50) or sample.count(0) > max(8, len(sample) // 5)


def text_bytes(source: Source, encoding: Encoding) -> Iterator[bytes]:
    """The file without its mark, in an encoding whose line ends are single bytes."""
    pieces = _without_mark(source.pieces(), encoding.bom)
    return _narrowed(pieces, encoding.name) if encoding.name.startswith("utf-16") else pieces


def _without_mark(pieces: Iterator[bytes], mark: int) -> Iterator[bytes]:
    for piece in pieces:
        yield piece[mark:]
        mark = max(0, mark - len(piece))


def _narrowed(pieces: Iterator[bytes], name: str) -> Iterator[bytes]:
    # A lone surrogate passes through both ways, so that it is met and counted where rows are cleaned.
    decoder = codecs.getincrementaldecoder(name)("surrogatepass")
    for piece in pieces:
        yield decoder.decode(piece).encode("utf-8", "surrogatepass")
    # What is left in the decoder is half a character at the very end: nothing to keep.


def line_codec(encoding: Encoding) -> tuple[str, str]:
    """Codec and error handler for one line of :func:`text_bytes`."""
    if encoding.name == "cp1252":
        return "cp1252", "replace"
    return "utf-8", "surrogatepass" if encoding.name.startswith("utf-16") else "strict"
