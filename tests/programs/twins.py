"""The storages under test, each with what a test does behind its back and how another machine sees it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from app.core.storage import LocalStorage, Storage
from app.core.storage.s3 import S3Storage
from tests.programs.s3 import S3Server

PART_BYTES = 5 * 1024 * 1024  # the smallest that S3 takes


@dataclass
class Twin:
    """``elsewhere()`` is a second machine: the same storage with nothing of it at hand."""

    storage: Storage
    elsewhere: Callable[[], Storage]
    replace: Callable[[str, bytes], None]

    def damage(self, sha256: str) -> None:
        content = bytearray(self.elsewhere().read_bytes(sha256))
        content[0] ^= 1
        self.replace(sha256, bytes(content))


def local_twin(root: Path) -> Twin:
    storage = LocalStorage(root / "storage")

    def replace(sha256: str, content: bytes) -> None:
        path = storage.local_path(sha256)
        path.chmod(0o644)
        path.write_bytes(content)

    return Twin(storage, lambda: LocalStorage(root / "storage"), replace)


def s3_twin(server: S3Server, root: Path) -> Twin:
    place = server.create()
    machines = iter(range(1000))

    def machine() -> S3Storage:
        return s3_storage(place, root / f"machine-{next(machines)}", server.endpoint)

    return Twin(machine(), machine, lambda sha256, content: server.replace(place, sha256, content))


def s3_storage(place: str, root: Path, endpoint: str, cache_bytes: int = 10**9) -> S3Storage:
    address = urlsplit(place)
    return S3Storage(address.netloc, address.path.strip("/"), root, cache_bytes, endpoint, PART_BYTES)
