"""A file becomes visible under its hash whole and for good, or not at all."""

import os
from pathlib import Path

from ml.contract.faults import faultpoint


def publish(source: Path, target: Path) -> None:
    """Sync, rename, sync the directory. Both lie in one file system; a rename there can't be half done."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as file:
        faultpoint("storage.fsync")
        os.fsync(file.fileno())
    source.chmod(0o444)
    os.utime(source)  # from now on it is new: nobody collects it before it is named
    faultpoint("storage.rename")
    source.replace(target)
    make_durable(target)


def make_durable(target: Path) -> None:
    """Its name and its directory's outlive a power cut. To be asked also of what stands there already: who
    put it may have died between the rename and this."""
    _sync_directory(target.parent)
    _sync_directory(target.parent.parent)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        faultpoint("storage.fsync_directory")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
