"""A version’s files as one archive, written while it is sent: they are as large as the model."""

import io
import zipfile
from collections.abc import Iterator

from app.core.storage import Storage, Tree

CHUNK = 1024 * 1024
EPOCH = (1980, 1, 1, 0, 0, 0)  # equal files make equal archives


class _Sent(io.RawIOBase):
    """What zipfile writes to: it keeps only what was not sent yet, and can’t go back."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        content = bytes(data)  # type: ignore[call-overload]
        self._parts.append(content)
        return len(content)

    def take(self) -> bytes:
        content = b"".join(self._parts)
        self._parts.clear()
        return content


def archive(storage: Storage, tree: Tree, folder: str, extra: dict[str, str]) -> Iterator[bytes]:
    """Stored, not packed: weights hardly shrink. ``extra`` maps names to texts that join the files."""
    sent = _Sent()
    with zipfile.ZipFile(sent, "w", zipfile.ZIP_STORED) as file:
        for name, text in extra.items():
            file.writestr(zipfile.ZipInfo(f"{folder}/{name}", EPOCH), text)
        for stored in tree.files:
            entry = zipfile.ZipInfo(f"{folder}/{stored.path}", EPOCH)
            entry.file_size = stored.size
            with storage.open(stored.sha256) as source, file.open(entry, "w") as target:
                while chunk := source.read(CHUNK):
                    target.write(chunk)
                    yield sent.take()
    yield sent.take()
