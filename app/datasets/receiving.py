"""A multipart upload on its way from the socket to the disk, a MiB of it in memory.

The framework's own parser spools the whole file before a route runs, so a body is parsed here while it
comes: written and hashed in threads, stopped at the limit, removed when the sender goes away.
"""

import hashlib
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from anyio.to_thread import run_sync
from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, MultipartState, parse_options_header
from starlette.requests import ClientDisconnect

from app.core.errors import Invalid, TooLarge
from app.core.services import Services
from ml.contract.faults import faultpoint

PIECE = 1 << 20
FIELD_LIMIT = 64 * 1024
PART_LIMIT = 20
FILE = "file"


class UploadBroken(Invalid):
    status = 400
    title = "The upload is not complete"


@dataclass
class Received:
    """``fields`` are the other parts of the form, whatever their order."""

    path: Path
    filename: str = ""
    size: int = 0
    sha256: str = ""
    fields: dict[str, str] = field(default_factory=dict)


@asynccontextmanager
async def received(request: Request, services: Services) -> AsyncIterator[Received]:
    """The upload in a scratch directory, which is gone at the end whatever happens."""
    boundary = _boundary(request)
    scratch = await run_sync(services.storage.scratch, "upload-")
    try:
        yield await _receive(request, boundary, scratch / "upload", services.settings.max_upload_bytes)
    finally:
        await run_sync(shutil.rmtree, scratch, True)


def _boundary(request: Request) -> bytes:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data" or b"boundary" not in options:
        raise Invalid("The upload is not a form.", "Send multipart/form-data with the fields file and name.")
    return options[b"boundary"]


async def _receive(request: Request, boundary: bytes, path: Path, limit: int) -> Received:
    try:
        parts = _Parts(boundary)
    except FormParserError as error:
        raise UploadBroken(f"The form can't be read: {error}.", "Send it again.") from None
    digest = hashlib.sha256()
    with path.open("wb") as file:

        def keep(piece: bytes) -> None:
            faultpoint("upload.write")
            file.write(piece)
            digest.update(piece)

        async for piece in _pieces(request, parts):
            if parts.size > limit:
                raise TooLarge(
                    f"The file is larger than {limit:,} bytes.",
                    "Compress it, or send it in parts.",
                    limit=limit,
                )
            await run_sync(keep, piece)
    if parts.filename is None:
        raise Invalid("The form has no file.", "Send the file in the field named file.")
    return Received(path, parts.filename, parts.size, digest.hexdigest(), parts.fields)


async def _pieces(request: Request, parts: "_Parts") -> AsyncIterator[bytes]:
    """The file's content in pieces of a MiB, the last one shorter."""
    try:
        async for chunk in request.stream():
            parts.feed(chunk)
            if len(parts.content) >= PIECE:
                yield parts.take()
    except ClientDisconnect:
        raise UploadBroken("The sender broke off.", "Send the file again.") from None
    parts.finish()
    yield parts.take()


class _Parts:
    """Collects what the parser finds: the file's content in ``content``, the small fields whole."""

    def __init__(self, boundary: bytes) -> None:
        self.content = bytearray()
        self.size = 0
        self.filename: str | None = None
        self.fields: dict[str, str] = {}
        self._count = 0
        self._header = (bytearray(), bytearray())
        self._disposition = b""
        self._name: str | None = None
        self._value = bytearray()
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_finished,
                "on_part_data": self._data,
                "on_part_end": self._end,
            },
        )

    def feed(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise UploadBroken(f"The form can't be read: {error}.", "Send it again.") from None

    def take(self) -> bytes:
        taken = bytes(self.content)
        self.content.clear()
        return taken

    def finish(self) -> None:
        if self._parser.state != MultipartState.END:
            raise UploadBroken("The form ends before its last part does.", "Send the file again.")

    def _begin(self) -> None:
        self._count += 1
        if self._count > PART_LIMIT:
            raise Invalid(f"The form has more than {PART_LIMIT} parts.", "Send file, name and mapping only.")
        self._disposition, self._name = b"", None
        self._value.clear()

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header[0].extend(data[start:end])

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._header[1].extend(data[start:end])

    def _header_end(self) -> None:
        if bytes(self._header[0]).lower() == b"content-disposition":
            self._disposition = bytes(self._header[1])
        for part in self._header:
            part.clear()

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        name = options.get(b"name", b"").decode("utf-8", "replace")
        self._name = name
        if name == FILE:
            if self.filename is not None:
                raise Invalid("The form has two files.", "Send one file at a time.")
            self.filename = _filename(options.get(b"filename", b""))

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._name == FILE:
            self.content += memoryview(data)[start:end]
            self.size += end - start
            return
        self._value += data[start:end]
        if len(self._value) > FIELD_LIMIT:
            raise TooLarge(f"The field {(self._name or '')[:80]!r} is larger than 64 kB.", "Send less in it.")

    def _end(self) -> None:
        if self._name and self._name != FILE:
            self.fields[self._name] = self._value.decode("utf-8", "replace")


def _filename(raw: bytes) -> str:
    """Only for showing: the last part of the path without control characters, never a place on our disk."""
    name = raw.decode("utf-8", "replace").replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(character for character in name if character.isprintable())[:255] or "upload"
