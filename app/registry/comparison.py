"""Candidate against what is live, on the very same reviews: what changes, and whether that may be chance.

Reads predictions.parquet of both versions, at most ``ROW_LIMIT`` rows of each, and looks the texts of the
few rows that are shown up in the test split.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from app.core.storage import Storage, StoredFile
from app.registry import evidence as proof
from app.registry.tables import ModelVersion
from app.runs.compare.predictions import COMMON_SHARE, first_rows, single, stands_once
from ml.evaluation.proportion import mcnemar, paired_interval

SHOWN = 10
TEXT_LIMIT = 260
BATCH_ROWS = 8192


@dataclass(frozen=True)
class Example:
    """One test review. ``today`` is what the live version answers, where there is one."""

    review_id: str
    text: str
    title: str
    label: str
    predicted: str
    sure: float
    today: str | None


@dataclass(frozen=True)
class Group:
    """``kind`` is gained, lost, other, wrong or right; ``total`` counts all of its rows."""

    kind: str
    total: int
    examples: Sequence[Example]


@dataclass(frozen=True)
class Changes:
    """Answers on the same ``n`` reviews. ``value`` with its 95 % interval is the change of accuracy."""

    n: int
    gained: int
    lost: int
    other: int
    value: float
    low: float
    high: float
    chance: float  # how often so large a change comes from chance alone (McNemar, exact)


@dataclass(frozen=True)
class Comparison:
    """``changes`` is None without a live version, or where both were tested on different reviews."""

    changes: Changes | None
    groups: Sequence[Group]


def compare(storage: Storage, candidate: ModelVersion, today: ModelVersion | None) -> Comparison:
    table, masks, paired = _sorted_out(storage, candidate, today)
    counts = [_count(mask) for mask in masks.values()]
    changes = _changes(table.num_rows, *counts) if paired else None
    return Comparison(changes, _groups(storage, candidate, table, masks))


def rows_of(
    storage: Storage,
    candidate: ModelVersion,
    today: ModelVersion | None,
    kind: str,
    offset: int,
    limit: int,
) -> Group:
    """All rows of one kind, a page at a time: the ones that :func:`compare` shows a few of."""
    table, masks, _ = _sorted_out(storage, candidate, today)
    if kind not in masks:
        return Group(kind, 0, [])
    found = table.filter(masks[kind])
    rows: list[dict[str, Any]] = found.slice(offset, limit).to_pylist()
    texts = _texts(storage, candidate, {row["review_id"] for row in rows})
    sure = _sureness(storage, candidate, set(texts))
    return Group(kind, found.num_rows, [_example(row, texts, sure) for row in rows])


def is_paired(storage: Storage, candidate: ModelVersion, today: ModelVersion | None) -> bool:
    """Whether today’s answers stand beside the candidate’s: both were tested on the same reviews."""
    return _sorted_out(storage, candidate, today)[2]


def _sorted_out(
    storage: Storage, candidate: ModelVersion, today: ModelVersion | None
) -> tuple[pa.Table, dict[str, pa.ChunkedArray], bool]:
    """The answers, which of them are of which kind, and whether today’s stand beside them."""
    table = _predictions(storage, candidate)
    joined = _joined(table, _predictions(storage, today)) if today else None
    if joined is not None:
        return joined, _changed_masks(joined), True
    right = pc.equal(table["label"], table["predicted"])
    return table, {"wrong": pc.invert(right), "right": right}, False


def _predictions(storage: Storage, version: ModelVersion) -> pa.Table:
    return first_rows(storage.local_path(proof.predictions_file(version.evidence).sha256))


def _joined(table: pa.Table, today: pa.Table) -> pa.Table | None:
    """Rows that both were tested on, with the same truth; None where these are too few to speak of."""
    other = single(today).rename_columns(["review_id", "label", "today"])
    joined = single(table).join(other, ["review_id", "label"], join_type="inner").sort_by("review_id")
    return joined if joined.num_rows > COMMON_SHARE * table.num_rows else None


def _changed_masks(joined: pa.Table) -> dict[str, pa.ChunkedArray]:
    right = pc.equal(joined["label"], joined["predicted"])
    before = pc.equal(joined["label"], joined["today"])
    changed = pc.not_equal(joined["predicted"], joined["today"])
    neither = pc.invert(pc.or_(right, before))
    return {
        "gained": pc.and_(right, pc.invert(before)),
        "lost": pc.and_(before, pc.invert(right)),
        "other": pc.and_(changed, neither),
    }


def _count(mask: pa.ChunkedArray) -> int:
    return int(pc.sum(mask).as_py() or 0)


def _changes(n: int, gained: int, lost: int, other: int) -> Changes:
    value, low, high = paired_interval(n, gained, lost)
    return Changes(n, gained, lost, other, value, low, high, mcnemar(gained, lost))


def _groups(
    storage: Storage, version: ModelVersion, table: pa.Table, masks: dict[str, pa.ChunkedArray]
) -> list[Group]:
    totals = {kind: _count(mask) for kind, mask in masks.items()}
    shares = _shares(totals)
    named = stands_once(table)
    rows = {kind: _spread(table.filter(pc.and_(masks[kind], named)), shares[kind]) for kind in masks}
    texts = _texts(storage, version, {row["review_id"] for few in rows.values() for row in few})
    sure = _sureness(storage, version, set(texts))
    return [
        Group(kind, totals[kind], [_example(row, texts, sure) for row in rows[kind]])
        for kind in masks
        if totals[kind]
    ]


def _shares(totals: dict[str, int]) -> dict[str, int]:
    """How many of each kind are shown: in proportion, at least two of each kind that exists."""
    whole = sum(totals.values()) or 1
    return {kind: min(n, max(2, round(SHOWN * n / whole))) for kind, n in totals.items()}


def _spread(table: pa.Table, count: int) -> list[dict[str, Any]]:
    """``count`` rows at even distance: the same ones at each view, and from all parts of the test split."""
    count = min(count, table.num_rows)
    step = table.num_rows / max(1, count)
    places = pa.array([int(step * (place + 0.5)) for place in range(count)], pa.int64())
    rows: list[dict[str, Any]] = table.take(places).to_pylist()
    return rows


def _example(row: dict[str, Any], texts: dict[str, tuple[str, str]], sure: dict[str, float]) -> Example:
    review_id = row["review_id"]
    text, title = texts.get(review_id, ("(the text is no longer stored)", ""))
    return Example(
        review_id,
        text,
        title,
        row["label"],
        row["predicted"],
        sure.get(review_id, math.nan),
        row.get("today"),
    )


def _texts(storage: Storage, version: ModelVersion, wanted: set[str]) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for file in proof.test_files(storage, version.evidence):
        for row in _rows_of(storage, file, wanted - set(found), ["review_id", "text", "title"]):
            text = row["text"] or ""
            short = text if len(text) <= TEXT_LIMIT else text[:TEXT_LIMIT].rstrip() + " …"
            found[row["review_id"]] = (short, row.get("title") or "")
        if len(found) == len(wanted):
            break
    return found


def _sureness(storage: Storage, version: ModelVersion, wanted: set[str]) -> dict[str, float]:
    """The probability of the answer that was given."""
    columns = ["review_id", "predicted", *(f"p_{label}" for label in version.labels)]
    rows = _rows_of(storage, proof.predictions_file(version.evidence), wanted, columns)
    return {row["review_id"]: row[f"p_{row['predicted']}"] for row in rows}


def _rows_of(
    storage: Storage, file: StoredFile, wanted: set[str], columns: list[str]
) -> list[dict[str, Any]]:
    """The few rows with these ids, read batch by batch; columns the file lacks are left out."""
    rows: list[dict[str, Any]] = []
    keys = pa.array(sorted(wanted), pa.string())
    with pq.ParquetFile(storage.local_path(file.sha256)) as parquet:
        there = [name for name in columns if name in parquet.schema_arrow.names]
        for batch in parquet.iter_batches(BATCH_ROWS, columns=there):
            ids = batch.column("review_id").cast(pa.string())
            rows += batch.filter(pc.is_in(ids, keys)).to_pylist()
            if len(rows) >= len(wanted):
                break
    return rows
