"""``fittingroom.json`` beside a job's output: which files it made, with their hashes, and by what.

It is written last. What has none was left by a job that did not end well, and what it does not name is not
the step's: the service and other tools put files of their own beside ours.
"""

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml.contract.faults import faultpoint
from ml.hosts.archives import safe_path

NAME = "fittingroom.json"
FORMAT = 1


class BadManifest(ValueError):
    """The output is not what a job of ours left."""


@dataclass(frozen=True)
class Manifest:
    """``files`` by the paths that a local attempt would publish: ``model/…`` for the model directory.

    ``part`` of ``parts`` is what one of several instances made; ``merge`` is the program that puts such
    parts together.
    """

    program: str
    files: Mapping[str, tuple[str, int]]  # sha256 and size
    part: int = 1
    parts: int = 1
    merge: str = ""
    versions: Mapping[str, str] | None = None
    seconds: float = 0.0

    def write(self, directory: Path) -> None:
        content = {
            "format": FORMAT,
            "program": self.program,
            "part": self.part,
            "parts": self.parts,
            "merge": self.merge,
            "versions": {"python": platform.python_version(), **(self.versions or {})},
            "seconds": round(self.seconds, 3),
            "files": {
                path: {"sha256": sha, "size": size} for path, (sha, size) in sorted(self.files.items())
            },
        }
        faultpoint("container.manifest")
        (directory / NAME).write_text(json.dumps(content, indent=1), encoding="utf-8")

    @classmethod
    def read(cls, directory: Path) -> "Manifest":
        try:
            return _read(json.loads((directory / NAME).read_bytes()))
        except FileNotFoundError:
            raise BadManifest(f"The job left no {NAME}: it did not end well.") from None
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise BadManifest(f"{NAME} can't be read: {error}") from error

    def verify(self, places: Mapping[str, Path]) -> dict[str, Path]:
        """Each named file where it lies, after comparing its content with what the job wrote.

        ``places`` maps a leading directory to where it was put: ``{"model/": …, "": …}``."""
        return {name: _verified(name, *expected, places) for name, expected in self.files.items()}


def described(files: Mapping[str, Path]) -> dict[str, tuple[str, int]]:
    return {name: (sha256_of(path), path.stat().st_size) for name, path in files.items()}


def files_below(directory: Path) -> dict[str, Path]:
    """As an attempt publishes them: plain files, no links, which could lead out."""
    found = (path for path in directory.rglob("*") if path.is_file() and not path.is_symlink())
    return {path.relative_to(directory).as_posix(): path for path in found}


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(content: Any) -> Manifest:
    if content["format"] != FORMAT:
        raise BadManifest(f"{NAME} has the format {content['format']}, not {FORMAT}.")
    return Manifest(
        program=str(content["program"]),
        files={
            str(safe_path(path)): (str(file["sha256"]), int(file["size"]))
            for path, file in content["files"].items()
        },
        part=int(content["part"]),
        parts=int(content["parts"]),
        merge=str(content["merge"]),
        versions=dict(content["versions"]),
        seconds=float(content["seconds"]),
    )


def _verified(name: str, sha256: str, size: int, places: Mapping[str, Path]) -> Path:
    prefix = max((prefix for prefix in places if name.startswith(prefix)), key=len)
    root = places[prefix]
    path = root / safe_path(name.removeprefix(prefix))
    if not path.is_file() or not path.resolve().is_relative_to(root.resolve()):
        raise BadManifest(f"The job made {name}, but it did not arrive.")
    if path.stat().st_size != size or sha256_of(path) != sha256:
        raise BadManifest(f"{name} is not the file that the job made.")
    return path
