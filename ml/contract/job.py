"""A step's view of its host: directories for what goes in and out, and its parameters.

The layout is SageMaker's training contract, so one program runs as a child process of a worker, as a
training job and in the simulator. Only ``SM_*`` variables are read: no ``/opt/ml`` is needed locally.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ml.contract.outcome import StepRefused
from ml.contract.share import CHANNEL, SHARD, SHARDS, Share

TRUE = frozenset({"true", "1", "yes"})
FALSE = frozenset({"false", "0", "no"})


@dataclass(frozen=True)
class Job:
    """Everything a step program may use. All paths exist when the program starts.

    ``channels`` maps an input's name to its directory. ``parameters`` are strings as the contract
    demands; read them through :meth:`text`, :meth:`integer`, :meth:`number` and :meth:`flag`.
    What the step leaves in ``output_dir`` becomes its artifact, with ``model_dir`` under ``model/``.
    ``checkpoint_dir`` survives from one attempt to the next.
    """

    channels: Mapping[str, Path]
    parameters: Mapping[str, str]
    model_dir: Path
    output_dir: Path
    checkpoint_dir: Path

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Job":
        names = json.loads(environ.get("SM_CHANNELS", "[]"))
        parameters = json.loads(environ.get("SM_HPS", "{}"))
        return cls(
            channels={name: Path(environ[f"SM_CHANNEL_{name.upper()}"]) for name in names},
            parameters={name: _as_text(value) for name, value in parameters.items()},
            model_dir=Path(environ["SM_MODEL_DIR"]),
            output_dir=Path(environ["SM_OUTPUT_DATA_DIR"]),
            checkpoint_dir=Path(environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")),
        )

    def text(self, name: str) -> str:
        try:
            return self.parameters[name]
        except KeyError:
            raise StepRefused(f"The parameter {name} is missing.", f"Give {name} a value.") from None

    def integer(self, name: str) -> int:
        return int(self.number(name))

    def number(self, name: str) -> float:
        value = self.text(name)
        try:
            return float(value)
        except ValueError:
            raise StepRefused(f"{name} is {value!r}, not a number.", f"Give {name} a number.") from None

    def flag(self, name: str) -> bool:
        value = self.text(name).lower()
        if value in TRUE:
            return True
        if value in FALSE:
            return False
        raise StepRefused(f"{name} is {value!r}, neither true nor false.", f"Set {name} to true or false.")

    def channel(self, name: str) -> Path:
        try:
            return self.channels[name]
        except KeyError:
            raise StepRefused(f"The input {name} is missing.", f"Connect a channel named {name}.") from None

    @property
    def share(self) -> Share:
        return Share(self.integer(SHARD), self.integer(SHARDS)) if SHARDS in self.parameters else Share()

    @property
    def shards(self) -> list[Path]:
        """What each shard left, in the order of their numbers, for the program that merges them."""
        numbers = sorted(
            int(name.removeprefix(CHANNEL)) for name in self.channels if name.startswith(CHANNEL)
        )
        return [self.channels[f"{CHANNEL}{number}"] for number in numbers]


def _as_text(value: object) -> str:
    """Hyperparameters arrive raw or JSON-encoded: ``64``, ``"64"`` and ``"\\"64\\""`` are one value."""
    if not isinstance(value, str):
        return json.dumps(value)
    if len(value) >= 2 and value[0] == value[-1] == '"':
        decoded = json.loads(value)
        return decoded if isinstance(decoded, str) else value
    return value
