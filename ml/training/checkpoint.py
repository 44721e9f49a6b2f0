"""A checkpoint is one safetensors file, replaced whole: weights, optimizer, random state, position.

Nothing is pickled, so a checkpoint that somebody put there can do no more than hold wrong numbers. A
checkpoint of other features or other settings is not taken up.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ml.contract.faults import faultpoint

NAME = "checkpoint.safetensors"


@dataclass
class Position:
    """Where training stands. ``batch`` is the next one of ``epoch``; ``step`` counts over all epochs."""

    epoch: int = 0
    batch: int = 0
    step: int = 0
    best_macro_f1: float = -1.0
    best_epoch: int = -1
    epochs: list[dict[str, float]] = field(default_factory=list)


def fingerprint(snapshot_sha256: str, settings: Mapping[str, Any], encoder: str) -> str:
    text = json.dumps([snapshot_sha256, dict(settings), encoder], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


class Checkpoints:
    def __init__(self, directory: Path, fingerprint: str) -> None:
        self._path = directory / NAME
        self._fingerprint = fingerprint

    def save(self, position: Position, tensors: Mapping[str, Tensor]) -> None:
        state = {**tensors, **_random_state()}
        metadata = {"fingerprint": self._fingerprint, "position": json.dumps(vars(position))}
        temporary = self._path.with_suffix(".part")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        faultpoint("checkpoint.write")
        save_file({name: tensor.contiguous() for name, tensor in state.items()}, temporary, metadata)
        with temporary.open("rb") as file:
            faultpoint("checkpoint.fsync")
            os.fsync(file.fileno())
        faultpoint("checkpoint.rename")
        temporary.replace(self._path)
        faultpoint("checkpoint.renamed")

    def load(self) -> tuple[Position, dict[str, Tensor]] | None:
        """The position and tensors to go on from, or None: nothing there, damaged, or of another job."""
        if not self._path.exists():
            return None
        try:
            with safe_open(self._path, framework="pt") as file:
                metadata = file.metadata() or {}
                if metadata.get("fingerprint") != self._fingerprint:
                    return None
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        except SafetensorError:
            return None
        return Position(**json.loads(metadata["position"])), tensors


def _random_state() -> dict[str, Tensor]:
    state = {"random/cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["random/cuda"] = torch.cuda.get_rng_state()
    return state


def restore_random_state(tensors: Mapping[str, Tensor]) -> None:
    torch.set_rng_state(tensors["random/cpu"])
    if "random/cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["random/cuda"])
