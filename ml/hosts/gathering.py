"""A job's output as the files of one artifact, whether one instance made it or several made a part each.

Parts are put together by the step's own merging program, which gives the same bytes as one program would
have. So whoever reads an output, the next job in its container or the worker that brings it back, gets what
a local attempt would have published.
"""

from collections.abc import Mapping
from pathlib import Path

from ml.contract.share import CHANNEL
from ml.hosts.manifest import NAME, BadManifest, Manifest, files_below
from ml.hosts.running import Run, program_command, run_plainly
from ml.hosts.workplace import Workplace

PART = "part-"


class MergeFailed(BadManifest):
    """The merging program did not end well."""


def is_output(directory: Path) -> bool:
    return (directory / NAME).is_file() or any(directory.glob(f"{PART}*/{NAME}"))


def gather(
    directory: Path, scratch: Path, environment: Mapping[str, str], run: Run = run_plainly
) -> dict[str, Path]:
    """By their path in the artifact, each compared with what was written. Merging works in ``scratch``."""
    parts = sorted(directory.glob(f"{PART}*/"))
    if not parts:
        return Manifest.read(directory).verify({"": directory})
    return _merged(_checked(parts), scratch, environment, run)


def _checked(directories: list[Path]) -> dict[int, tuple[Manifest, Path]]:
    """By the part's number: all of them, of the same program, and whole."""
    read = {manifest.part: (manifest, place) for place in directories for manifest in [Manifest.read(place)]}
    first, _ = next(iter(read.values()))
    if sorted(read) != list(range(1, first.parts + 1)) or len(directories) != first.parts:
        raise BadManifest(f"There are {len(directories)} parts of an output that has {first.parts}.")
    if not first.merge or any(
        (one.program, one.merge) != (first.program, first.merge) for one, _ in read.values()
    ):
        raise BadManifest("The parts of the output were not made by the same program.")
    for manifest, place in read.values():
        manifest.verify({"": place})
    return dict(sorted(read.items()))


def _merged(
    parts: Mapping[int, tuple[Manifest, Path]], scratch: Path, environment: Mapping[str, str], run: Run
) -> dict[str, Path]:
    place = Workplace(
        channels={f"{CHANNEL}{number}": directory for number, (_, directory) in parts.items()},
        parameters={},
        model=scratch / "model",
        data=scratch / "data",
        output=scratch / "output",
        checkpoints=scratch / "checkpoints",
        temporary=scratch / "tmp",
    )
    place.make()
    merge = parts[1][0].merge
    code = run(program_command(merge), place.environment(environment), scratch)
    if code:
        raise MergeFailed(place.failure() or f"{merge} ended with the exit code {code}.")
    return files_below(place.data)
