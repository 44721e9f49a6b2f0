"""A job's directories and files as SageMaker lays them out, for both of its kinds of job."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ml.hosts.arguments import of_arguments
from ml.hosts.gathering import PART

CODE = "code"
OF_THE_SDK = "sagemaker_"  # hyperparameters by which the SDK's own containers are told what to run


@dataclass(frozen=True)
class Layout:
    """``root`` is ``/opt/ml``. ``host`` of ``hosts`` counts from 1."""

    root: Path
    kind: Literal["processing", "training"]
    host: int
    hosts: int

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Layout":
        root = Path(environ.get("SIMULATED_ROOT", "/"), "opt/ml")
        processing = (root / "processing").is_dir() or (root / "config/processingjobconfig.json").is_file()
        config = root / ("config" if processing else "input/config")
        resources = _json(config / "resourceconfig.json")
        hosts = sorted(resources.get("hosts", ["algo-1"]), key=lambda name: (len(name), name))
        number = hosts.index(resources.get("current_host", hosts[0])) + 1
        return cls(root, "processing" if processing else "training", number, len(hosts))

    @property
    def output(self) -> Path:
        return self.root / "output"

    @property
    def data(self) -> Path:
        """Several instances write beside each other into one prefix, so each has a directory of its own."""
        if self.kind == "training":
            return self.root / "output/data"
        whole = self.root / "processing/output"
        return whole / f"{PART}{self.host}" if self.hosts > 1 else whole

    @property
    def model(self) -> Path:
        return self.root / "model" if self.kind == "training" else self.data / "model"

    @property
    def checkpoints(self) -> Path | None:
        """Only a training job's are kept in S3 while it runs."""
        return self.root / "checkpoints" if self.kind == "training" else None

    def channels(self) -> dict[str, Path]:
        if self.kind == "processing":
            below = self.root / "processing/input"
            return {path.name: path for path in sorted(below.glob("*/"))}
        below = self.root / "input/data"
        names = _json(self.root / "input/config/inputdataconfig.json") or {
            p.name: 0 for p in below.glob("*/")
        }
        return {name: below / name for name in sorted(names) if name != CODE}

    def parameters(self, words: Sequence[str]) -> dict[str, str]:
        """A training job's hyperparameters, raw or JSON-encoded as they came: a program reads both."""
        given = {} if self.kind == "processing" else _json(self.root / "input/config/hyperparameters.json")
        named = {name: value for name, value in given.items() if not name.startswith(OF_THE_SDK)}
        return named | of_arguments(words)

    def service_variables(self, environ: Mapping[str, str]) -> dict[str, str]:
        names = [f"algo-{number}" for number in range(1, self.hosts + 1)]
        variables = {"SM_HOSTS": json.dumps(names), "SM_CURRENT_HOST": names[self.host - 1]}
        if job := environ.get("TRAINING_JOB_NAME") or self._processing_job():
            variables["TRAINING_JOB_NAME"] = job
        return variables

    def tell(self, text: str) -> None:
        """The service reads a training job's ``failure`` and a processing job's ``message``."""
        self.output.mkdir(parents=True, exist_ok=True)
        name = "failure" if self.kind == "training" else "message"
        (self.output / name).write_text(text, encoding="utf-8")

    def _processing_job(self) -> str:
        return str(_json(self.root / "config/processingjobconfig.json").get("ProcessingJobName", ""))


def _json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_bytes())) if path.is_file() else {}
