"""The bytes of an upload, decompressed in pieces and never beyond a cap.

Magic bytes decide what a file is, its name never does. A compressed file says nothing reliable about its
size, so the bytes that come out are counted while they come.
"""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal

import zstandard

from ml.contract.outcome import StepRefused

Compression = Literal["none", "gzip", "zstd"]

PIECE = 1 << 20
# One zstd block of 4 bytes may hold 128 KiB, so a small piece of input bounds what one call returns (32 MiB).
ZSTD_PIECE = 1 << 10
ZSTD_WINDOW = 1 << 27
MAX_DECODED = 16 << 30
# Review text compresses by 3 to 10. Beyond 100 it is a bomb, unless the file is small anyway.
MAX_RATIO = 100
SMALL = 256 << 20

GZIP = b"\x1f\x8b"
ZSTD = b"\x28\xb5\x2f\xfd"
NOT_TABLES = {
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"PK\x05\x06": "an empty zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel or Word file",
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file",
    b"\x7fELF": "a program",
    b"SQLite format 3": "an SQLite database",
    b"ORC": "an ORC file",
    b"Obj\x01": "an Avro file",
}
FORMATS = "Send CSV, TSV, JSON Lines or Parquet, plain or compressed with gzip or zstd."


def default_cap(size: int) -> int:
    return min(MAX_DECODED, max(SMALL, size * MAX_RATIO))


class Source:
    """One upload on disk. ``position`` is how far into the file the latest pass has come."""

    def __init__(self, path: Path, cap: int | None = None) -> None:
        self.path = path
        self.size = path.stat().st_size
        self.cap = default_cap(self.size) if cap is None else cap
        self.position = 0
        self.compression = self._compression()

    def _compression(self) -> Compression:
        with self.path.open("rb") as file:
            magic = file.read(4)
        if magic.startswith(GZIP):
            return "gzip"
        return "zstd" if magic == ZSTD else "none"

    def pieces(self) -> Iterator[bytes]:
        """The decoded bytes from the start, at most :data:`PIECE` or one zstd call's worth at a time."""
        decoded = 0
        with self.path.open("rb") as file:
            for piece in self._decoded(file):
                decoded += len(piece)
                if self.compression != "none" and decoded > self.cap:
                    raise StepRefused(
                        f"The file unpacks to more than {self.cap:,} bytes.",
                        "Send the reviews uncompressed, or in several smaller files.",
                    )
                self.position = file.tell()
                yield piece

    def _decoded(self, file: BinaryIO) -> Iterator[bytes]:
        if self.compression == "gzip":
            return _gzip_pieces(file)
        if self.compression == "zstd":
            return _zstd_pieces(file)
        return iter(lambda: file.read(PIECE), b"")

    def head(self, length: int) -> bytes:
        """The first decoded bytes. Damage that lies behind them is not noticed."""
        collected = bytearray()
        for piece in self.pieces():
            collected += piece
            if len(collected) >= length:
                break
        return bytes(collected[:length])


def _gzip_pieces(file: BinaryIO) -> Iterator[bytes]:
    try:
        with gzip.GzipFile(fileobj=file) as unpacked:
            yield from iter(lambda: unpacked.read(PIECE), b"")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _damaged("gzip", error) from error


def _zstd_pieces(file: BinaryIO) -> Iterator[bytes]:
    # zstandard's stream reader takes a truncated file for a complete one, so frames are walked here.
    decompressor = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW)
    frame = decompressor.decompressobj()
    started = False
    try:
        while packed := file.read(ZSTD_PIECE):
            while packed:
                started = True
                if unpacked := frame.decompress(packed):
                    yield unpacked
                packed = frame.unused_data if frame.eof else b""
                if frame.eof:
                    frame, started = decompressor.decompressobj(), False
    except zstandard.ZstdError as error:
        raise _damaged("zstd", error) from error
    if started:
        raise _damaged("zstd", "the file ends in the middle of a frame")


def _damaged(kind: str, error: object) -> StepRefused:
    return StepRefused(
        f"The {kind} file is damaged or cut off: {error}.", "Compress the original again and upload that."
    )


def refuse_foreign(head: bytes) -> None:
    """Refuse what is recognisably something else, so that nobody reads a picture as text."""
    for magic, name in NOT_TABLES.items():
        if head.startswith(magic):
            raise StepRefused(f"This is {name}, not a table of reviews.", FORMATS)
    if head[257:262] == b"ustar":
        raise StepRefused("This is a tar archive, not a table of reviews.", FORMATS)
