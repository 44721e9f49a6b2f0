"""The test rows behind a report's figures: predictions.parquet, narrowed, ordered and read in pieces.

Which rows match is decided on the small columns; texts are read only for the rows that are shown.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from fastapi import Query

from app.core.addresses import address
from app.core.storage import Storage, StoredFile
from app.runs.queries import RunDetail
from ml.evaluation.slices import LENGTHS

PREDICTIONS = "predictions.parquet"
PAGE = 25
BATCH = 8192
TEXTS = ("title", "text")

Sort = Literal["sure", "unsure", "row"]
Wrong = Literal["", "yes", "no"]


@dataclass(frozen=True)
class Narrowed:
    """What the address asks for; empty narrows nothing. ``wrong`` yes: only mistakes, no: only right ones."""

    actual: Annotated[str, Query(max_length=200)] = ""
    predicted: Annotated[str, Query(max_length=200)] = ""
    wrong: Wrong = ""
    category: Annotated[str, Query(max_length=1000)] = ""
    length: Annotated[str, Query(max_length=60)] = ""
    q: Annotated[str, Query(max_length=200)] = ""
    sort: Sort = "sure"
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1

    def url(self, **changes: str | int) -> str:
        """The query with these changes; it starts at the first page again."""
        values = {**replace(self, page=1).__dict__, **changes}
        usual = Narrowed().__dict__
        return address("", {name: value for name, value in values.items() if value != usual[name]})

    @property
    def narrows(self) -> bool:
        return replace(self, sort="sure", page=1) != Narrowed()


@dataclass(frozen=True)
class Answer:
    """One test row: what it says, what it is, and what was answered with which probabilities."""

    review_id: str
    row: int
    category: str
    title: str
    text: str
    actual: str
    predicted: str
    baseline: str
    probabilities: Mapping[str, float]

    @property
    def sure(self) -> float:
        return max(self.probabilities.values(), default=0.0)


@dataclass(frozen=True)
class Found:
    items: Sequence[Answer]
    total: int


class AnswerFile:
    """The file of one run. Those of older programs have no texts, categories or baseline: these are empty."""

    def __init__(self, storage: Storage, file: StoredFile, labels: Sequence[str]) -> None:
        storage.open(file.sha256).close()  # a file that is lost is told as such
        self._file = pq.ParquetFile(storage.local_path(file.sha256))
        self._present = set(self._file.schema_arrow.names)
        self._scores = [f"p_{label}" for label in labels if f"p_{label}" in self._present]

    def page(self, narrowed: Narrowed, size: int = PAGE) -> Found:
        places = self._places(narrowed)
        first = (narrowed.page - 1) * size
        return Found(list(self._answers(places[first : first + size])), len(places))

    def all(self, narrowed: Narrowed) -> Iterator[Answer]:
        """In pieces, so that few of a hundred thousand rows are held at once."""
        places = self._places(narrowed)
        for start in range(0, len(places), BATCH):
            yield from self._answers(places[start : start + BATCH])

    def categories(self) -> list[str]:
        if "category" not in self._present:
            return []
        found: list[str] = pc.unique(self._file.read(["category"])["category"]).drop_null().to_pylist()
        return sorted(found)

    def _places(self, narrowed: Narrowed) -> list[int]:
        """Numbers of the matching rows, in the order that is asked for."""
        wanted = ["label", "predicted", *self._scores, *_needed(narrowed)]
        columns = [name for name in wanted if name in self._present]
        places: list[int] = []
        keys: list[float] = []
        start = 0
        for batch in self._file.iter_batches(BATCH, columns=columns):
            found = pc.indices_nonzero(_mask(batch, narrowed))
            places += [start + place for place in found.to_pylist()]
            keys += self._confidence(batch.take(found))
            start += batch.num_rows
        if narrowed.sort == "row":
            return places
        order = sorted(range(len(places)), key=keys.__getitem__, reverse=narrowed.sort == "sure")
        return [places[place] for place in order]

    def _confidence(self, batch: pa.RecordBatch) -> list[float]:
        if not self._scores:
            return [0.0] * batch.num_rows
        best: list[float] = pc.max_element_wise(*(batch.column(name) for name in self._scores)).to_pylist()
        return best

    def _answers(self, places: Sequence[int]) -> Iterator[Answer]:
        rows = self._rows(sorted(places))
        return (self._answer(rows[place]) for place in places)

    def _rows(self, places: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Only the row groups that hold one of them are read."""
        found: dict[int, dict[str, Any]] = {}
        start = 0
        for group in range(self._file.num_row_groups):
            end = start + self._file.metadata.row_group(group).num_rows
            here = [place for place in places if start <= place < end]
            if here:
                inside = pa.array([place - start for place in here], pa.int64())
                table = self._file.read_row_group(group).take(inside)
                found.update(zip(here, table.to_pylist(), strict=True))
            start = end
        return found

    def _answer(self, row: Mapping[str, Any]) -> Answer:
        return Answer(
            review_id=row.get("review_id") or "",
            row=row.get("row") or 0,
            category=row.get("category") or "",
            title=row.get("title") or "",
            text=row.get("text") or "",
            actual=row["label"],
            predicted=row["predicted"],
            baseline=row.get("baseline") or "",
            probabilities={name.removeprefix("p_"): row[name] for name in self._scores},
        )


def _needed(narrowed: Narrowed) -> list[str]:
    texts = TEXTS if narrowed.q else ("text",) if narrowed.length else ()
    return [*(("category",) if narrowed.category else ()), *texts]


def _mask(batch: pa.RecordBatch, narrowed: Narrowed) -> pa.Array:
    masks = []
    equal = {"label": narrowed.actual, "predicted": narrowed.predicted, "category": narrowed.category}
    for name, value in equal.items():
        if value:
            masks.append(pc.equal(_column(batch, name), value))
    if narrowed.wrong:
        right = pc.equal(batch.column("label"), batch.column("predicted"))
        masks.append(pc.invert(right) if narrowed.wrong == "yes" else right)
    if narrowed.q:
        hits = [pc.match_substring(_column(batch, name), narrowed.q, ignore_case=True) for name in TEXTS]
        masks.append(pc.or_(*(pc.fill_null(hit, False) for hit in hits)))
    if narrowed.length:
        masks.append(_long(_column(batch, "text"), narrowed.length))
    everything = pa.array([True] * batch.num_rows, pa.bool_())
    for mask in masks:
        everything = pc.and_(everything, pc.fill_null(mask, False))
    return everything


def _column(batch: pa.RecordBatch, name: str) -> pa.Array:
    """A column that an older file lacks is empty in every row, so nothing in it matches."""
    return batch.column(name) if name in batch.schema.names else pa.nulls(batch.num_rows, pa.string())


def _long(texts: pa.Array, name: str) -> pa.Array:
    """As the slices count: words are what stands between spaces."""
    least, most = next(((low, high) for low, high, each in LENGTHS if each == name), (0, 0))
    words = [len((text or "").split()) for text in texts.to_pylist()]
    return pa.array([least <= count and (most is None or count < most) for count in words], pa.bool_())


def answer_file(storage: Storage, detail: RunDetail) -> StoredFile | None:
    """Of the last step that left one."""
    for step in reversed(detail.steps):
        if step.artifact and not step.part_of and storage.has(step.artifact):
            files = storage.tree(step.artifact).files
            if found := next((file for file in files if file.path == PREDICTIONS), None):
                return found
    return None
