"""A shard as it stands in AWS: the labs' columns, then ours, under names that SQL leaves alone."""

import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ml.contract.faults import faultpoint

BATCH_ROWS = 10_000
SENTIMENTS = ("-1", "0", "1")
SCHEMA = pa.schema(
    [
        pa.field("sentiment", pa.int32()),
        pa.field("review_body", pa.string()),
        pa.field("product_category", pa.string()),
        pa.field("review_id", pa.string()),
        pa.field("title", pa.string()),
        pa.field("star_rating", pa.int32()),
        pa.field("label", pa.string()),
        pa.field("review_date", pa.string()),
        pa.field("source_row", pa.int64()),
    ]
)
GLUE_TYPES = {pa.int32(): "int", pa.int64(): "bigint", pa.string(): "string"}
COMMENTS = {
    "sentiment": "-1, 0 or 1; empty where the label is another word",
    "label": "as the data set has it",
    "source_row": "number of the row in the uploaded file",
}


def glue_columns() -> list[dict[str, str]]:
    return [
        {"Name": field.name, "Type": GLUE_TYPES[field.type], "Comment": COMMENTS.get(field.name, "")}
        for field in SCHEMA
    ]


def reshape(source: Path, target: Path) -> tuple[str, int]:
    """Answers the new file's sha256 and its rows. The same shard becomes the same bytes."""
    rows = 0
    with (
        pq.ParquetFile(source) as file,
        pq.ParquetWriter(target, SCHEMA, compression="snappy") as out,
    ):
        for batch in file.iter_batches(BATCH_ROWS):
            faultpoint("dataset.reshape")
            out.write_batch(_reshaped(batch))
            rows += batch.num_rows
    with target.open("rb") as written:
        return hashlib.file_digest(written, "sha256").hexdigest(), rows


def _reshaped(batch: pa.RecordBatch) -> pa.RecordBatch:
    label = batch.column("label")
    known = pc.is_in(label, value_set=pa.array(SENTIMENTS))
    sentiment = pc.if_else(known, label, pa.scalar(None, pa.string())).cast(pa.int32())
    columns = {
        "sentiment": sentiment,
        "review_body": batch.column("text"),
        "product_category": batch.column("category"),
        "review_id": batch.column("review_id"),
        "title": batch.column("title"),
        "star_rating": batch.column("rating").cast(pa.int32()),
        "label": label,
        "review_date": batch.column("date"),
        "source_row": batch.column("row"),
    }
    return pa.RecordBatch.from_arrays([columns[field.name] for field in SCHEMA], schema=SCHEMA)
