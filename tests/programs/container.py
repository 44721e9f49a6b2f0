"""A job's container made by hand: a directory as SageMaker lays ``/opt/ml`` out, and our entry run in it.

No simulator takes part, so what is tested here is what AWS promises in its documents and nothing that
somebody built after them.
"""

import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ml.hosts.archives import pack
from ml.hosts.arguments import as_arguments
from ml.pipeline.definition import Job
from ml.pipeline.sagemaker.bundle import ARCHIVE, Bundle, build_bundle

WITHOUT_CHECKOUT = """
import sys
kept = [found for found in sys.meta_path if "__editable__" not in str(getattr(found, "__module__", ""))]
sys.meta_path[:] = kept
"""


@dataclass(frozen=True)
class Container:
    """``host`` of ``hosts`` counts from 1."""

    root: Path
    kind: Job
    program: str
    host: int = 1
    hosts: int = 1

    @property
    def ml(self) -> Path:
        return self.root / "opt/ml"

    @property
    def code(self) -> Path:
        return self.ml / ("input/data/code" if self.kind == "training" else "processing/code")

    def lay_out(
        self,
        channels: Mapping[str, Path],
        parameters: Mapping[str, str],
        bundle: Bundle | None = None,
    ) -> list[str]:
        """The command that the service would start."""
        self.code.mkdir(parents=True)
        for name, content in (bundle or build_bundle(self.program)).files.items():
            (self.code / name).write_bytes(content)
        inputs = self.ml / ("input/data" if self.kind == "training" else "processing/input")
        inputs.mkdir(parents=True, exist_ok=True)
        for name, path in channels.items():
            (inputs / name).symlink_to(path)
        self._configure(channels, parameters)
        words = [self.program] if self.kind == "training" else [self.program, *as_arguments(parameters)]
        return [sys.executable, str(self.code / "start.py"), *words]

    def _configure(self, channels: Mapping[str, Path], parameters: Mapping[str, str]) -> None:
        resources = {
            "current_host": f"algo-{self.host}",
            "hosts": [f"algo-{number}" for number in range(1, self.hosts + 1)],
        }
        config = self.ml / ("input/config" if self.kind == "training" else "config")
        config.mkdir(parents=True)
        files = {"resourceconfig.json": resources}
        if self.kind == "training":
            files["hyperparameters.json"] = dict(parameters)
            files["inputdataconfig.json"] = {name: {} for name in ("code", *channels)}
            for directory in ("model", "output/data", "checkpoints"):
                (self.ml / directory).mkdir(parents=True)
        else:
            files["processingjobconfig.json"] = {"ProcessingJobName": "by-hand"}
        for name, content in files.items():
            (config / name).write_text(json.dumps(content))

    def environment(self, **more: str) -> dict[str, str]:
        """Little more than an image has; that of the machine is not handed on."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        image = {"PYTHONPATH": str(self._image()), "SIMULATED_ROOT": str(self.root)}
        return {**kept, **image, "SM_NUM_CPUS": "1", **more}

    def _image(self) -> Path:
        """No image has the checkout that an editable installation names: what a job needs comes with it."""
        image = self.root / "image"
        image.mkdir(exist_ok=True)
        (image / "sitecustomize.py").write_text(WITHOUT_CHECKOUT)
        return image

    def run(self, command: Sequence[str], **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env=self.environment(**more),
            cwd=self.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def uploaded(self, into: Path) -> Path:
        """What the service would put below ``jobs/<name>/output/``."""
        into.mkdir(parents=True, exist_ok=True)
        if self.kind == "training":
            _tar(self.ml / "model", into / "model.tar.gz")
            _tar(self.ml / "output/data", into / "output.tar.gz")
        else:
            _copy(self.ml / "processing/output", into)
        return into

    def reason(self) -> str:
        file = self.ml / "output" / ("failure" if self.kind == "training" else "message")
        return file.read_text() if file.exists() else ""


def repacked(bundle: Bundle, changed: Mapping[str, bytes]) -> bytes:
    """The bundle's archive with other content for some of its files."""
    with tarfile.open(fileobj=io.BytesIO(bundle.files[ARCHIVE])) as archive:
        files = {member.name: _content(archive, member) for member in archive}
    return pack({**files, **changed})


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    assert file is not None
    return file.read()


def _tar(directory: Path, archive: Path) -> None:
    """The contents, not the directory; none of an empty one."""
    found = sorted(directory.iterdir()) if directory.exists() else []
    if found:
        with tarfile.open(archive, "w:gz") as tar:
            for path in found:
                tar.add(path, path.name)


def _copy(source: Path, target: Path) -> None:
    """S3 has no directories: an empty one does not arrive."""
    for path in source.rglob("*"):
        if path.is_file():
            place = target / path.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(path.read_bytes())
