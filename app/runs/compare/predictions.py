"""What runs predicted on their test parts, read side by side: the rows that two of them have in common."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from app.core.errors import NotFound
from app.core.storage import Storage
from app.runs.tables import Step
from ml.evaluation.intervals import Figure
from ml.evaluation.paired import paired_differences

FILE = "predictions.parquet"
COLUMNS = ["review_id", "label", "predicted"]
ROW_LIMIT = 200_000
COMMON_SHARE = 0.5  # fewer common reviews than this, and the two were tested on different ones


@dataclass(frozen=True)
class Paired:
    """``common`` of the first run's ``n`` reviews and the other's ``others`` were tested by both.

    ``differences`` are the other's figures minus the first's, by accuracy, macro_f1 and the label's name;
    none where too few reviews are common.
    """

    common: int
    n: int
    others: int
    differences: Mapping[str, Figure]

    @property
    def same(self) -> bool:
        return self.common == self.n == self.others


def predictions(storage: Storage, steps: Sequence[Step]) -> pa.Table | None:
    """Of the step that left some; rows whose review stands once, so that a join can't multiply them."""
    for step in steps:
        if not step.runs_program or step.artifact is None:
            continue
        try:
            file = storage.tree(step.artifact).find(FILE)
            storage.open(file.sha256).close()
        except NotFound:
            continue
        return single(first_rows(storage.local_path(file.sha256)))
    return None


def first_rows(path: Path) -> pa.Table:
    """At most ``ROW_LIMIT`` answers of a predictions file; the rest is never read."""
    batches, rows = [], 0
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(columns=COLUMNS):
            batches.append(batch.slice(0, ROW_LIMIT - rows))
            rows += batches[-1].num_rows
            if rows >= ROW_LIMIT:
                break
        schema = pa.schema([file.schema_arrow.field(name) for name in COLUMNS])
    return pa.Table.from_batches(batches, schema)


def single(table: pa.Table) -> pa.Table:
    """Rows whose id stands once. Ids come from an upload, and many equal ones would multiply in a join."""
    return table.filter(stands_once(table))


def stands_once(table: pa.Table) -> pa.ChunkedArray:
    counts = table.group_by("review_id").aggregate([("review_id", "count")])
    once = counts.filter(pc.equal(counts["review_id_count"], 1))["review_id"]
    return pc.is_in(table["review_id"], once.combine_chunks())


def paired(first: pa.Table, other: pa.Table) -> Paired:
    theirs = other.rename_columns(["review_id", "label", "other"])
    joined = first.join(theirs, ["review_id", "label"], join_type="inner")
    sizes = (joined.num_rows, first.num_rows, other.num_rows)
    if not joined.num_rows or joined.num_rows < COMMON_SHARE * min(sizes[1:]):
        return Paired(*sizes, {})
    return Paired(*sizes, _differences(joined))


def _differences(joined: pa.Table) -> dict[str, Figure]:
    labels = sorted(pc.unique(joined["label"]).to_pylist())
    answers = [set(pc.unique(joined[name]).to_pylist()) for name in ("predicted", "other")]
    labels += sorted(set().union(*answers) - set(labels))
    truth, first, other = (_codes(joined[name], labels) for name in ("label", "predicted", "other"))
    found = paired_differences(truth, first, other, len(labels))
    names = {str(place): label for place, label in enumerate(labels)}
    return {names.get(name, name): figure for name, figure in found.items()}


def _codes(column: pa.ChunkedArray, labels: Sequence[str]) -> npt.NDArray[np.int64]:
    return np.asarray(pc.index_in(column, pa.array(labels, column.type)).to_numpy(), dtype=np.int64)
