"""Where a program works inside a job, and what it sees of the world: what a worker would show it."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ml.contract.environment import ALLOWED, ALWAYS, THREADS
from ml.contract.outcome import FAILURE_LIMIT

FAILURE = "failure"


@dataclass(frozen=True)
class Workplace:
    """``output`` holds the failure file, ``data`` and ``model`` what becomes the artifact."""

    channels: Mapping[str, Path]
    parameters: Mapping[str, str]
    model: Path
    data: Path
    output: Path
    checkpoints: Path
    temporary: Path

    def make(self) -> None:
        for directory in (self.model, self.data, self.output, self.checkpoints, self.temporary):
            directory.mkdir(parents=True, exist_ok=True)

    def failure(self) -> str:
        file = self.output / FAILURE
        return file.read_text(errors="replace")[:FAILURE_LIMIT].strip() if file.is_file() else ""

    def environment(self, host: Mapping[str, str] = os.environ) -> dict[str, str]:
        """The container contract, as ``workers/environment.py`` gives it, and the service's own names."""
        cores = host.get("SM_NUM_CPUS") or str(len(os.sched_getaffinity(0)))
        cards = len(list(Path("/proc/driver/nvidia/gpus").glob("*")))
        environment = {name: host[name] for name in ALLOWED if name in host}
        environment |= dict.fromkeys(THREADS, cores) | ALWAYS
        environment |= {
            "HOME": str(self.temporary),
            "TMPDIR": str(self.temporary),
            "HF_HOME": host.get("HF_HOME", str(self.temporary / "hub")),
            "PYTHONPATH": host.get("PYTHONPATH", ""),
            "SM_CHANNELS": json.dumps(sorted(self.channels)),
            "SM_HPS": json.dumps(dict(self.parameters)),
            "SM_MODEL_DIR": str(self.model),
            "SM_OUTPUT_DIR": str(self.output),
            "SM_OUTPUT_DATA_DIR": str(self.data),
            "SM_CHECKPOINT_DIR": str(self.checkpoints),
            "SM_NUM_CPUS": cores,
            "SM_NUM_GPUS": str(cards),
        }
        if not cards:
            environment["CUDA_VISIBLE_DEVICES"] = ""
        environment |= {f"SM_CHANNEL_{name.upper()}": str(path) for name, path in self.channels.items()}
        environment |= {f"SM_HP_{name.upper()}": value for name, value in self.parameters.items()}
        return environment
