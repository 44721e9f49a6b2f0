"""Where an attempt works, and what its program sees of the world: the container contract, nothing more."""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from app.core.settings import Settings
from app.core.storage import Tree
from app.runs.spec import StepSpec
from ml.contract.environment import ALLOWED, ALWAYS, THREADS
from ml.contract.outcome import FAILURE_LIMIT
from ml.pipeline.resolve import as_strings

LOG_END_BYTES = 8000


@dataclass(frozen=True)
class Layout:
    """``step_root`` outlives an attempt and keeps the checkpoints, ``root`` is this attempt's own."""

    step_root: Path
    root: Path

    @classmethod
    def of(cls, home: Path, step_id: str, fence: int) -> "Layout":
        step_root = home / "work" / step_id
        return cls(step_root, step_root / str(fence))

    @property
    def checkpoints(self) -> Path:
        return self.step_root / "checkpoints"

    @property
    def model(self) -> Path:
        return self.root / "model"

    @property
    def data(self) -> Path:
        return self.root / "output" / "data"

    @property
    def output(self) -> Path:
        return self.root / "output"

    @property
    def temporary(self) -> Path:
        return self.root / "tmp"

    @property
    def log(self) -> Path:
        return self.root / "log"

    def channel(self, name: str) -> Path:
        return self.root / "input" / name

    def make(self) -> None:
        """What an attempt before this one left, killed in the middle, goes first."""
        for old in self.step_root.glob("[0-9]*"):
            shutil.rmtree(old, ignore_errors=True)
        for directory in (self.checkpoints, self.model, self.data, self.temporary):
            directory.mkdir(parents=True, exist_ok=True)

    def produced(self) -> dict[str, Path]:
        """The step's artifact: the output at the root, the model directory under ``model/``."""
        found = {path.relative_to(self.data).as_posix(): path for path in _files(self.data)}
        model = {f"model/{path.relative_to(self.model).as_posix()}": path for path in _files(self.model)}
        return found | model

    def failure(self) -> str:
        """What the program wrote about its failure; "" when it wrote nothing. PostgreSQL stores no NUL."""
        file = self.output / "failure"
        text = file.read_text(errors="replace") if file.is_file() else ""
        return text[:FAILURE_LIMIT].replace("\0", "�").strip()

    def log_end(self) -> str:
        with self.log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - LOG_END_BYTES))
            return log.read().decode(errors="replace")


def _files(directory: Path) -> list[Path]:
    # A link could lead out of the directory, to a file that is not the step's to publish.
    return [path for path in directory.rglob("*") if path.is_file() and not path.is_symlink()]


def program_environment(
    settings: Settings,
    layout: Layout,
    spec: StepSpec,
    inputs: Mapping[str, Tree],
    cores: int,
    card: str | None = None,
) -> dict[str, str]:
    """``card`` is the one it may use. Without one it sees none, whatever the machine has: a step of another
    queue beside a training must not reach for the training's."""
    environment = {name: os.environ[name] for name in ALLOWED if name in os.environ}
    environment |= dict.fromkeys(THREADS, str(cores)) | ALWAYS
    environment |= {
        "HOME": str(layout.root),
        "TMPDIR": str(layout.temporary),
        # Shared by all attempts, so that an encoder is downloaded once.
        "HF_HOME": os.environ.get("HF_HOME", str(settings.home / "hub")),
        "SM_CHANNELS": json.dumps(sorted(inputs)),
        "SM_HPS": json.dumps(as_strings(spec.arguments)),
        "SM_MODEL_DIR": str(layout.model),
        "SM_OUTPUT_DIR": str(layout.output),
        "SM_OUTPUT_DATA_DIR": str(layout.data),
        "SM_CHECKPOINT_DIR": str(layout.checkpoints),
        "SM_NUM_CPUS": str(cores),
        "SM_NUM_GPUS": "1" if card else "0",
        "CUDA_VISIBLE_DEVICES": card or "",
    }
    environment |= {f"SM_CHANNEL_{name.upper()}": str(layout.channel(name)) for name in inputs}
    return environment
