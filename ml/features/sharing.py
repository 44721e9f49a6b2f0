"""The features made in shares: each by a program of its own, then merged to the very same files.

Which rows are trained on rests on the whole data set: how large the smallest class is, where a sample ends.
Reading and hashing all rows takes a seventh of the time of tokenizing them, so every share decides that by
itself, comes to the same answer, and tokenizes only its part of what was chosen. A share keeps each batch
as one record batch, and merging writes them in their order: Parquet's row groups, and so every byte of the
files, are as if one program had written them.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa

from ml.contract.outcome import StepRefused
from ml.contract.share import Share
from ml.features.parts import FeatureFiles, Progress, Written, write_parts
from ml.features.prepare import PrepareSettings, described, description_of, plan_of
from ml.features.snapshot import FEATURES, PARTS, REST, write_snapshot
from ml.features.tokenization import ReviewTokenizer

NAME = "share.json"


def prepare_share(
    source: Path,
    tokenizer: ReviewTokenizer,
    settings: PrepareSettings,
    share: Share,
    output: Path,
    progress: Progress,
) -> None:
    plan = plan_of(source, settings, progress)
    dataset = plan.dataset
    with _Batches(output) as batches:
        rows = share.of(dataset.rows)
        written = write_parts(dataset, plan.masks, tokenizer, rows, batches, progress)
    content = {
        "description": description_of(dataset, settings, tokenizer),
        "parts": {name: asdict(count) for name, count in written.items() if count.rows},
    }
    (output / NAME).write_text(json.dumps(content), encoding="utf-8")


def merge_shares(shares: Sequence[Path], output: Path, progress: Progress) -> None:
    """``shares`` in the order of their numbers."""
    read = [json.loads((share / NAME).read_text(encoding="utf-8")) for share in shares]
    description = _same_description(read)
    written = _sum([each["parts"] for each in read])
    rows = sum(count.rows for count in written.values())
    done = 0
    with FeatureFiles(output / FEATURES) as files:
        for share, content in zip(shares, read, strict=True):
            for part in content["parts"]:
                for table in _tables(share / f"{part}.arrow"):
                    files.append(part, table)
                    done += table.num_rows
                    progress(done, rows, "merging")
    write_snapshot(output, described(description, written))


def _same_description(read: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    first: dict[str, Any] = read[0]["description"]
    if any(each["description"] != first for each in read):
        raise StepRefused(
            "The shards were not made of the same data with the same settings.",
            "Launch the run again, so that all of them are made anew.",
        )
    return first


def _sum(parts: Sequence[Mapping[str, Mapping[str, Any]]]) -> dict[str, Written]:
    """In the order in which the parts stand in a snapshot; one that no share has is left out."""
    total: dict[str, Written] = {}
    for name in (*PARTS, REST):
        counts = [Written(**each[name]) for each in parts if name in each]
        if counts:
            total[name] = counts[0]
            for count in counts[1:]:
                total[name].add(count)
    return total


def _tables(path: Path) -> Iterator[pa.Table]:
    with pa.memory_map(str(path)) as file:
        reader = pa.ipc.open_file(file)
        for number in range(reader.num_record_batches):
            yield pa.Table.from_batches([reader.get_batch(number)])


class _Batches:
    """An Arrow file a part, in which each appended table is one record batch."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._open: dict[str, pa.RecordBatchFileWriter] = {}

    def __enter__(self) -> "_Batches":
        return self

    def __exit__(self, *_: object) -> None:
        for writer in self._open.values():
            writer.close()

    def append(self, part: str, table: pa.Table) -> None:
        if part not in self._open:
            path = self._directory / f"{part}.arrow"
            options = pa.ipc.IpcWriteOptions(compression="zstd")
            self._open[part] = pa.ipc.new_file(path, table.schema, options=options)
        self._open[part].write_table(table)
