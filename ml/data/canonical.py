"""The one form in which reviews are kept: typed columns, each row checked, each reject with its reason."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import pyarrow as pa

from ml.contract.outcome import StepRefused
from ml.data.labels import MAX_CLASSES, label_of_rating, parse_rating
from ml.data.mapping import ColumnMapping
from ml.data.records import Record

NO_TEXT = "no text"
NO_RATING = "no rating"
BAD_RATING = "the rating is not a whole number from 1 to 5"
NO_LABEL = "no label"
LABEL_LIMIT = 200
ID_LIMIT = 1000

SCHEMA = pa.schema(
    [
        pa.field("review_id", pa.string(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        pa.field("title", pa.string()),
        pa.field("rating", pa.int8()),
        pa.field("label", pa.string(), nullable=False),
        pa.field("category", pa.string()),
        pa.field("date", pa.string()),
        pa.field("row", pa.int64(), nullable=False),
    ]
)
REJECTS = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),
        pa.field("line", pa.int64()),
        pa.field("byte_offset", pa.int64()),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("raw", pa.string(), nullable=False),
    ]
)


class Row(NamedTuple):
    review_id: str
    text: str
    title: str | None
    rating: int | None
    label: str
    category: str | None
    date: str | None
    row: int


class Canonizer:
    """Makes rows of records and counts what it had to change on the way."""

    def __init__(self, columns: Sequence[str], mapping: ColumnMapping) -> None:
        place = {name: index for index, name in enumerate(columns)}
        self._text = place[mapping["text"] or ""]
        self._title = _place(place, mapping["title"])
        self._rating = _place(place, mapping["rating"])
        self._label = _place(place, mapping["label"])
        self._category = _place(place, mapping["category"])
        self._id = _place(place, mapping["id"])
        self._date = _place(place, mapping["date"])
        self.labels: Counter[str] = Counter()
        self.nuls = 0
        self.surrogates = 0
        self.dates_unread = 0

    def row(self, record: Record) -> Row | str:
        """The row, or the reason why there is none."""
        values = record.values
        if values is None:
            return record.reason
        text = self._clean(values[self._text])
        if text is None:
            return NO_TEXT
        rating = None if self._rating is None else parse_rating(values[self._rating] or "")
        label = self._label_of(values, rating)
        if label is None:
            return self._why_no_label(values)
        self._count(label)
        return Row(
            self._clean(self._cell(values, self._id), ID_LIMIT) or f"row-{record.number}",
            text,
            self._clean(self._cell(values, self._title)),
            rating,
            label,
            self._clean(self._cell(values, self._category), ID_LIMIT),
            self._date_of(values),
            record.number,
        )

    def _label_of(self, values: Sequence[str | None], rating: int | None) -> str | None:
        if self._label is None:
            return None if rating is None else label_of_rating(rating)
        label = self._clean(values[self._label], LABEL_LIMIT)
        return label and label.strip()

    def _why_no_label(self, values: Sequence[str | None]) -> str:
        if self._label is not None:
            return NO_LABEL
        return BAD_RATING if (self._cell(values, self._rating) or "").strip() else NO_RATING

    def _count(self, label: str) -> None:
        self.labels[label] += 1
        if len(self.labels) > MAX_CLASSES:
            raise StepRefused(
                f"The label column holds more than {MAX_CLASSES} different values.",
                "Choose a column with few classes, or the rating instead.",
            )

    def _cell(self, values: Sequence[str | None], place: int | None) -> str | None:
        return None if place is None else values[place]

    def _clean(self, value: str | None, limit: int | None = None) -> str | None:
        """None for blank; without NUL and lone surrogates, which no database and no Parquet file takes."""
        if not value or value.isspace():
            return None
        if "\x00" in value:
            self.nuls += 1
            value = value.replace("\x00", "")
            if not value.strip():
                return None
        if not value.isascii():
            value = self._without_surrogates(value)
        return value if limit is None else value[:limit]

    def _without_surrogates(self, value: str) -> str:
        try:
            value.encode()
        except UnicodeEncodeError:
            self.surrogates += 1
            # A pair of escapes may have been cut into two halves: join what joins, replace the rest.
            return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return value

    def _date_of(self, values: Sequence[str | None]) -> str | None:
        value = (self._cell(values, self._date) or "").strip()
        if not value:
            return None
        date = parse_date(value)
        if date is None:
            self.dates_unread += 1
        return date


def _place(places: dict[str, int], name: str | None) -> int | None:
    return None if name is None else places[name]


def parse_date(value: str) -> str | None:
    """ISO 8601, or None. A form such as 03/04/2021 is left out: nothing says which part is the month."""
    for read in _DATES:
        try:
            return read(value)
        except (ValueError, OverflowError, OSError):
            continue
    return None


def _iso(value: str) -> str:
    parsed = datetime.fromisoformat(value)
    return parsed.date().isoformat() if len(value) <= 10 else parsed.isoformat()


def _unix(value: str) -> str:
    # Seconds or milliseconds since 1970, from 1980 on: smaller numbers are years and counters.
    number = int(value)
    seconds = number / 1000 if number > 10**11 else number
    if seconds < 315_532_800:
        raise ValueError(value)
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _written(pattern: str) -> Callable[[str], str]:
    return lambda value: datetime.strptime(value, pattern).date().isoformat()  # noqa: DTZ007 - a day


_DATES: tuple[Callable[[str], str], ...] = (
    _unix,
    _iso,
    _written("%B %d, %Y"),
    _written("%d %B %Y"),
    _written("%Y/%m/%d"),
)
