"""The features as training sees them: files with their hashes, and every choice that made them.

Training opens features only through :meth:`Snapshot.open`, which refuses when a file is not the one that
preparation wrote. So a model's lineage ends at a hash, not at a directory somebody may have touched.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ml.contract.faults import faultpoint
from ml.contract.outcome import StepRefused

NAME = "snapshot.json"
FEATURES = "features"  # the directory beside it
PARTS = ("train", "validation", "test")
REST = "rest"  # training rows that were thinned out: the baseline still learns from them
READ_AGAIN = "Run the prepare step again; don't change its files."


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_snapshot(root: Path, description: Mapping[str, object]) -> None:
    files = {
        str(path.relative_to(root)): {"sha256": file_sha256(path), "rows": pq.read_metadata(path).num_rows}
        for path in sorted(root.glob("features/*.parquet"))
    }
    text = json.dumps({"format": 1, **description, "files": files}, indent=1)
    faultpoint("snapshot.write")
    (root / NAME).write_text(text, encoding="utf-8")


@dataclass(frozen=True)
class Snapshot:
    root: Path
    sha256: str
    description: Mapping[str, Any]

    @classmethod
    def open(cls, root: Path) -> "Snapshot":
        try:
            data = (root / NAME).read_bytes()
        except FileNotFoundError:
            raise StepRefused("The features have no snapshot.json.", READ_AGAIN) from None
        snapshot = cls(root, hashlib.sha256(data).hexdigest(), json.loads(data))
        snapshot._verify()
        return snapshot

    def _verify(self) -> None:
        expected: Mapping[str, Any] = self.description["files"]
        found = {str(path.relative_to(self.root)) for path in self.root.glob("features/*.parquet")}
        changed = found.symmetric_difference(expected)
        changed |= {name for name in found & set(expected) if self._differs(name)}
        if changed:
            raise StepRefused(f"The features changed after they were made: {min(changed)}.", READ_AGAIN)

    def _differs(self, name: str) -> bool:
        return file_sha256(self.root / name) != str(self.description["files"][name]["sha256"])

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(self.description["labels"])

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(self.description["fields"])

    @property
    def limit(self) -> int:
        return int(self.description["max_seq_length"])

    def rows(self, part: str) -> int:
        return int(self.description["parts"].get(part, {"rows": 0})["rows"])

    def table(self, part: str, columns: list[str]) -> pa.Table:
        paths = sorted((self.root / "features").glob(f"{part}-*.parquet"))
        return pa.concat_tables([pq.read_table(path, columns=columns) for path in paths])
