"""What a job's channels hold, as a worker would have laid it out.

From storage a channel comes as it is. From another job of the same pipeline it comes as that job left it: a
``model.tar.gz``, an output with its manifest, or a part of one from each of several instances.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

from ml.hosts.archives import unpack
from ml.hosts.gathering import gather, is_output
from ml.hosts.running import Run

MODEL = "model.tar.gz"
SERVED = "code"  # beside a model in its archive: what serves it, no part of the model


def provided(
    channels: Mapping[str, Path], scratch: Path, environ: Mapping[str, str], run: Run
) -> dict[str, Path]:
    return {name: _provided(path, scratch / "inputs" / name, environ, run) for name, path in channels.items()}


def _provided(channel: Path, scratch: Path, environ: Mapping[str, str], run: Run) -> Path:
    if [path.name for path in channel.iterdir()] == [MODEL]:
        unpack(channel / MODEL, scratch)
        shutil.rmtree(scratch / SERVED, ignore_errors=True)
        return scratch
    if not is_output(channel):
        return channel
    files = gather(channel, scratch / "merging", environ, run)
    return _linked(files, scratch / "files")


def _linked(files: Mapping[str, Path], directory: Path) -> Path:
    """Links, not copies: an input may be as large as the volume."""
    for name, path in files.items():
        link = directory / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path)
    return directory
