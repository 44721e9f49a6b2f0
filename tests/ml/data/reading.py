"""Shared by the reader's tests: write bytes, import them, look at what came out."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from ml.data.importing import Upload, import_upload

MAPPING: dict[str, object] = {"text": "text", "rating": "rating"}


@dataclass(frozen=True)
class Imported:
    version: dict[str, Any]
    rows: list[dict[str, Any]]
    rejects: list[dict[str, Any]]


def import_bytes(
    directory: Path,
    content: bytes,
    filename: str = "reviews.csv",
    mapping: dict[str, object] | None = None,
    cap: int | None = None,
) -> Imported:
    upload = directory / "upload"
    upload.write_bytes(content)
    out = directory / "out"
    out.mkdir()
    import_upload(Upload(upload, filename, mapping or {}, cap), out, lambda *_: None)
    version = json.loads((out / "version.json").read_text(encoding="utf-8"))
    rows = [
        row for shard in sorted(out.glob("reviews-*.parquet")) for row in pq.read_table(shard).to_pylist()
    ]
    return Imported(version, rows, pq.read_table(out / "rejects.parquet").to_pylist())
