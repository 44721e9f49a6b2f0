"""Packing and unpacking ``.tar.gz``: the same bytes for the same files, and nothing that escapes.

An archive comes over a bucket that other people may write to, so it is read as an upload is: only plain
files and directories, only below the directory it is unpacked into, and only so many and so much of them.
"""

import gzip
import io
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

COPY_BYTES = 1 << 20


class BadArchive(ValueError):
    """It can't be read, or it holds what an archive of ours never does."""


@dataclass(frozen=True)
class Limits:
    """What an archive may unpack to."""

    files: int = 10_000
    total_bytes: int = 64 << 30  # an encoder of a billion weights, its export and its checkpoint are below


DEFAULT_LIMITS = Limits()


def pack(files: Mapping[str, bytes]) -> bytes:
    """Sorted, without times and owners: who packs the same files anywhere gets the same archive."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, content in sorted(files.items()):
            member = tarfile.TarInfo(path)
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), compresslevel=9, mtime=0)


def unpack(archive: Path, into: Path, limits: Limits = DEFAULT_LIMITS) -> list[str]:
    """The paths of the files, all of them new below ``into``."""
    try:
        with tarfile.open(archive, mode="r|gz") as opened:
            return list(_unpacked(opened, into, limits))
    except (tarfile.TarError, EOFError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk's fault, not the archive's
        raise BadArchive(f"{archive.name} can't be unpacked: {error}") from error


def safe_path(name: str) -> PurePosixPath:
    """Raises BadArchive for a path that is not one of a file below some directory."""
    path = PurePosixPath(name)
    if not name or name != str(path) or path.is_absolute() or ".." in path.parts or "\0" in name:
        raise BadArchive(f"{name!r} is no path of a file in it")
    return path


def _unpacked(opened: tarfile.TarFile, into: Path, limits: Limits) -> Iterator[str]:
    seen: set[str] = set()
    room = limits.total_bytes
    for member in opened:
        path = safe_path(member.name.removeprefix("./").rstrip("/") or ".")
        if member.isdir():
            continue
        if not member.isreg():
            raise BadArchive(f"{member.name} is a link or a device")
        room -= member.size
        if str(path) in seen or len(seen) >= limits.files or room < 0:
            raise BadArchive(f"{member.name} comes twice, or the archive holds more than it may")
        seen.add(str(path))
        _write(opened, member, into / path)
        yield str(path)


def _write(opened: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    source = opened.extractfile(member)
    assert source is not None, "only plain files come here"
    with source, target.open("xb") as file:
        shutil.copyfileobj(source, file, COPY_BYTES)
