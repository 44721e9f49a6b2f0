"""Data set version in, features out, in two passes and with one batch of rows in memory.

The first pass reads texts and labels and keeps a few numbers a row, enough to decide every row's side.
The second tokenizes the rows that were chosen and writes them beside the others' plain text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ml.contract.job import Job
from ml.contract.outcome import StepRefused
from ml.features.composition import fields_of
from ml.features.dataset import DatasetVersion
from ml.features.parts import FeatureFiles, Mask, Progress, Written, write_parts
from ml.features.selection import balanced, sampled
from ml.features.snapshot import FEATURES, REST, write_snapshot
from ml.features.splitting import (
    PARTS,
    TRAIN,
    Shares,
    Sides,
    check_every_class_everywhere,
    hash_sides,
    labs_sides,
    normalised,
    text_hash,
)
from ml.features.tokenization import ReviewTokenizer

SAMPLES = {"proportional": 1.0, "square_root": 0.5}
SplitMethod = Literal["hash", "labs"]


@dataclass(frozen=True)
class PrepareSettings:
    fields: tuple[str, ...]
    limit: int
    split_method: SplitMethod
    shares: Shares
    balance: bool
    train_rows: int | None
    sample_power: float
    seed: int
    encoder: str

    @classmethod
    def from_job(cls, job: Job) -> "PrepareSettings":
        method = job.text("split_method")
        if job.text("sample") not in SAMPLES:
            raise StepRefused(
                f"sample is {job.text('sample')!r}.", f"Set sample to one of: {', '.join(SAMPLES)}."
            )
        if method not in ("hash", "labs"):
            raise StepRefused(f"split_method is {method!r}.", "Set split_method to hash or labs.")
        shares = [job.number(f"{part}_split_percentage") for part in PARTS]
        return cls(
            fields=fields_of(job.text("fields")),
            limit=job.integer("max_seq_length"),
            split_method="labs" if method == "labs" else "hash",
            shares=Shares(*shares),
            balance=job.flag("balance_dataset"),
            train_rows=None if job.text("train_rows") == "all" else job.integer("train_rows"),
            sample_power=SAMPLES[job.text("sample")],
            seed=job.integer("seed"),
            encoder=job.text("encoder"),
        )


@dataclass(frozen=True)
class Survey:
    """What the first pass keeps of each row."""

    labels: npt.NDArray[np.int32]
    hashes: npt.NDArray[np.uint64]
    ranks: npt.NDArray[np.uint64]
    complete: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Choice:
    """``sides`` is the split; ``chosen`` is the same without the training rows that were thinned out."""

    sides: Sides
    chosen: Sides

    def part(self, name: str) -> Mask:
        if name == REST:
            return np.asarray((self.sides == TRAIN) & (self.chosen != TRAIN))
        return np.asarray(self.chosen == PARTS[name])


@dataclass(frozen=True)
class Plan:
    """Which rows of the data set go where. It rests on all rows, and is the same whoever makes it."""

    dataset: DatasetVersion
    choice: Choice

    @property
    def masks(self) -> dict[str, Mask]:
        masks = {name: self.choice.part(name) for name in (*PARTS, REST)}
        return {name: mask for name, mask in masks.items() if mask.any()}


def prepare_features(
    source: Path, tokenizer: ReviewTokenizer, settings: PrepareSettings, output: Path, progress: Progress
) -> None:
    plan = plan_of(source, settings, progress)
    dataset = plan.dataset
    with FeatureFiles(output / FEATURES) as files:
        written = write_parts(dataset, plan.masks, tokenizer, range(dataset.rows), files, progress)
    write_snapshot(output, described(description_of(dataset, settings, tokenizer), written))


def plan_of(source: Path, settings: PrepareSettings, progress: Progress) -> Plan:
    dataset = DatasetVersion.open(source)
    if len(dataset.labels) < 2:
        raise StepRefused(
            "The data set has only one class, so there is nothing to tell apart.",
            "Choose a data set version with at least two labels.",
        )
    survey = survey_rows(dataset, settings.seed, progress)
    return Plan(dataset, choose_rows(survey, settings, dataset.labels))


def survey_rows(dataset: DatasetVersion, seed: int, progress: Progress) -> Survey:
    ids = {name: index for index, name in enumerate(dataset.labels)}
    labels, hashes, ranks = [], [], []
    valid: dict[str, list[npt.NDArray[np.bool_]]] = {}
    for batch in dataset.batches():
        for name in batch.schema.names:
            valid.setdefault(name, []).append(batch.column(name).is_valid().to_numpy(zero_copy_only=False))
        texts = batch.column("text").to_pylist()
        labels += [ids[label] for label in batch.column("label").to_pylist()]
        hashes += [text_hash(normalised(text), seed, "split") for text in texts]
        rows = zip(batch.column("review_id").to_pylist(), texts, strict=True)
        ranks += [text_hash(f"{review_id}\n{text}", seed, "rank") for review_id, text in rows]
        progress(len(labels), dataset.rows, "splitting")
    # A column that nobody mapped is empty in every row and makes no row incomplete.
    masks = [np.concatenate(parts) for parts in valid.values()]
    complete = np.logical_and.reduce([mask for mask in masks if mask.any()])
    return Survey(
        np.array(labels, np.int32), np.array(hashes, np.uint64), np.array(ranks, np.uint64), complete
    )


def choose_rows(survey: Survey, settings: PrepareSettings, names: tuple[str, ...]) -> Choice:
    if settings.split_method == "labs":
        sides = labs_sides(survey.labels, survey.complete, settings.shares, settings.seed)
    else:
        sides = hash_sides(survey.hashes, settings.shares)
    check_every_class_everywhere(sides, survey.labels, names)
    chosen = sides
    if settings.balance and settings.split_method == "hash":  # the labs' rows are balanced already
        chosen = balanced(chosen, survey.labels, survey.ranks, len(names))
    if settings.train_rows is not None:
        chosen = sampled(
            chosen, survey.labels, survey.ranks, len(names), settings.train_rows, settings.sample_power
        )
    return Choice(sides, chosen)


def description_of(
    dataset: DatasetVersion, settings: PrepareSettings, tokenizer: ReviewTokenizer
) -> dict[str, Any]:
    """What the features were made of and how; each part is described by :func:`described`."""
    shares = settings.shares
    return {
        "dataset_sha256": dataset.content_sha256,
        "labels": list(dataset.labels),
        "fields": list(settings.fields),
        "max_seq_length": settings.limit,
        "encoder": settings.encoder,
        "tokenizer_sha256": tokenizer.sha256,
        "vocabulary": tokenizer.vocabulary,
        "pad_id": tokenizer.pad_id,
        "seed": settings.seed,
        "split": {
            "method": settings.split_method,
            "train": shares.train,
            "validation": shares.validation,
            "test": shares.test,
        },
        "balance_dataset": settings.balance,
        "train_rows": settings.train_rows or "all",
        "rows": dataset.rows,
    }


def described(description: Mapping[str, Any], written: Mapping[str, Written]) -> dict[str, Any]:
    labels = description["labels"]
    parts = {
        name: {
            "rows": count.rows,
            "labels": dict(zip(labels, count.labels, strict=True)),
            "tokens": count.tokens,
            "truncated": count.truncated,
        }
        for name, count in written.items()
    }
    return {**description, "parts": parts}
