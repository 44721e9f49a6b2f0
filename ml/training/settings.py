"""The training parameters of one run, checked before anything heavy is loaded."""

import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from ml.contract.job import Job
from ml.contract.outcome import StepRefused

CLASS_WEIGHTS = {"none": 0.0, "square_root": 0.5, "balanced": 1.0}
PRECISIONS = ("auto", "float32", "bfloat16")
SCHEDULES = ("linear", "constant")


@dataclass(frozen=True)
class TrainSettings:
    """``None`` steps mean all of them. ``class_weight_power`` 1 gives every class the same weight."""

    head: str
    epochs: int
    learning_rate: float
    train_batch_size: int
    train_steps: int | None
    validation_batch_size: int
    validation_steps: int | None
    run_validation: bool
    freeze_encoder: bool
    frozen_layers: int
    class_weight_power: float
    prior_correction: float
    layer_decay: float
    label_smoothing: float
    schedule: str
    warmup_share: float
    weight_decay: float
    dropout: float
    precision: str
    seed: int

    @classmethod
    def from_job(cls, job: Job) -> "TrainSettings":
        return cls(
            head=_choice(job, "head", ("label", "stars")),
            epochs=_at_least(job, "epochs", 1),
            learning_rate=job.number("learning_rate"),
            train_batch_size=_at_least(job, "train_batch_size", 1),
            train_steps=_steps(job, "train_steps_per_epoch"),
            validation_batch_size=_at_least(job, "validation_batch_size", 1),
            validation_steps=_steps(job, "validation_steps_per_epoch"),
            run_validation=job.flag("run_validation"),
            freeze_encoder=job.flag("freeze_bert_layer"),
            frozen_layers=_at_least(job, "frozen_layers", 0),
            class_weight_power=CLASS_WEIGHTS[_choice(job, "class_weights", tuple(CLASS_WEIGHTS))],
            prior_correction=job.number("prior_correction"),
            layer_decay=job.number("layer_decay"),
            label_smoothing=job.number("label_smoothing"),
            schedule=_choice(job, "schedule", SCHEDULES),
            warmup_share=job.number("warmup_share"),
            weight_decay=job.number("weight_decay"),
            dropout=job.number("dropout"),
            precision=_choice(job, "precision", PRECISIONS),
            seed=job.integer("seed"),
        )

    def share_of_peak(self, step: int, total: int) -> float:
        """The learning rate at a step: a linear rise, then level or a linear fall to zero."""
        warmup = self.warmup_share * total
        if step + 1 < warmup:
            return (step + 1) / warmup
        return 1.0 if self.schedule == "constant" else (total - step) / max(1.0, total - warmup + 1)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def _choice(job: Job, name: str, choices: tuple[str, ...]) -> str:
    value = job.text(name)
    if value not in choices:
        raise StepRefused(f"{name} is {value!r}.", f"Set {name} to one of: {', '.join(choices)}.")
    return value


def _at_least(job: Job, name: str, low: int) -> int:
    value = job.integer(name)
    if value < low:
        raise StepRefused(f"{name} is {value}.", f"Set {name} to {low} or more.")
    return value


def _steps(job: Job, name: str) -> int | None:
    return None if job.text(name) == "all" else _at_least(job, name, 1)


def device_of() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def number_format(precision: str, device: torch.device) -> torch.dtype:
    """bfloat16 where the hardware multiplies in it: measured 1.6 times float32 on such a CPU."""
    if precision != "auto":
        return torch.bfloat16 if precision == "bfloat16" else torch.float32
    fast = torch.cuda.is_bf16_supported() if device.type == "cuda" else _cpu_multiplies_bfloat16()
    return torch.bfloat16 if fast else torch.float32


def _cpu_multiplies_bfloat16() -> bool:
    information = Path("/proc/cpuinfo")
    if platform.machine() != "x86_64" or not information.exists():
        return False
    text = information.read_text(encoding="utf-8")
    return "avx512_bf16" in text or "amx_bf16" in text
