"""Which column is the text, which the rating: as the user says, else guessed from names and values."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, get_args

from ml.contract.outcome import StepRefused
from ml.data.labels import MAX_CLASSES, parse_rating

Role = Literal["text", "title", "rating", "label", "category", "id", "date"]
ROLES: tuple[Role, ...] = get_args(Role)
ColumnMapping = dict[Role, str | None]
Rows = Sequence[Sequence[str | None]]
Values = Sequence[str]

# Lower case, letters and digits only. The first name that is there wins.
NAMES: Mapping[Role, tuple[str, ...]] = {
    "text": (
        "reviewtext", "reviewbody", "reviewcontent", "reviewstext", "review", "text", "body", "content",
        "comment", "comments", "feedback", "reviewdescription", "message", "sentence", "description",
    ),
    "title": ("reviewtitle", "reviewheadline", "reviewstitle", "title", "headline", "summary", "subject"),
    "rating": (
        "starrating", "rating", "reviewrating", "reviewsrating", "stars", "star", "ratings", "overall",
        "score", "overallrating", "reviewscore",
    ),
    "label": ("sentiment", "label", "labelid", "labels", "sentimentlabel", "polarity", "target", "class"),
    "category": (
        "productcategory", "classname", "category", "departmentname", "department", "categories",
        "divisionname", "productgroup", "topic",
    ),
    "id": ("reviewid", "reviewsid", "id", "uniqueid", "uuid", "rowid", "index"),
    "date": (
        "reviewdate", "reviewsdate", "date", "reviewtime", "createdat", "datetime", "timestamp", "time",
        "unixreviewtime", "submittedat",
    ),
}  # fmt: skip

# These names say it whatever the values are: then the rejects tell what is wrong with them.
SURE = frozenset({"starrating", "rating", "reviewrating", "stars", "ratings", "reviewtext", "reviewbody"})


def complete(given: Mapping[str, object], columns: Sequence[str], rows: Rows) -> ColumnMapping:
    """The given mapping, checked against the columns, with a guess for each role that it leaves out."""
    chosen: ColumnMapping = {}
    for name, column in given.items():
        chosen[_role(name)] = _column(name, column, columns)
    if chosen.get("rating"):
        # Who names the rating means it: a guessed label column must not take its place.
        chosen.setdefault("label", None)
    guessed = guess(columns, rows, chosen)
    return {role: chosen[role] if role in chosen else guessed[role] for role in ROLES}


def parse(text: str) -> dict[str, object]:
    """The JSON of a request or a run's parameter; an empty text maps nothing."""
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise StepRefused(
            "The mapping is not a JSON object.",
            'Send for example {"text": "Review Text", "rating": "Rating"}.',
        )
    return found


def require_usable(mapping: ColumnMapping, columns: Sequence[str]) -> None:
    """A data set needs a text, and a rating or a label."""
    listed = ", ".join(columns)[:500]
    if mapping["text"] is None:
        raise StepRefused(
            f"No column holds the text of the reviews. Columns found: {listed}.",
            'Name it in the mapping, for example {"text": "Review Text"}.',
        )
    if mapping["rating"] is None and mapping["label"] is None:
        raise StepRefused(
            f"No column holds a rating or a label. Columns found: {listed}.",
            'Name one in the mapping, for example {"rating": "Stars"} or {"label": "Sentiment"}.',
        )


def guess(columns: Sequence[str], rows: Rows, chosen: Mapping[Role, str | None]) -> ColumnMapping:
    """One column a role and no column twice. ``chosen`` roles are not guessed, their columns are taken."""
    taken = {column for column in chosen.values() if column}
    values = {
        name: [row[index] or "" for row in rows if (row[index] or "").strip()]
        for index, name in enumerate(columns)
    }
    found: ColumnMapping = dict.fromkeys(ROLES)
    for role in ROLES:
        if role in chosen:
            continue
        column = _by_name(role, columns, values, taken) or _by_values(role, columns, values, taken)
        if column:
            found[role] = column
            taken.add(column)
    return found


def named_for(role: Role, column: str) -> bool:
    """Whether the column's name alone says that it is this."""
    return _plain(column) in NAMES[role]


def _role(name: str) -> Role:
    for role in ROLES:
        if role == name:
            return role
    raise StepRefused(f"The mapping has no part named {name[:80]!r}.", f"Its parts are: {', '.join(ROLES)}.")


def _column(role: str, column: object, columns: Sequence[str]) -> str | None:
    if column is None or column == "":
        return None
    if column in columns:
        return str(column)
    alike = [name for name in columns if name.casefold() == str(column).strip().casefold()]
    if len(alike) == 1:
        return alike[0]
    raise StepRefused(
        f"The mapping takes {role} from {str(column)[:80]!r}, but there is no such column.",
        f"Columns found: {', '.join(columns)[:500]}.",
    )


def _by_name(role: Role, columns: Sequence[str], values: Mapping[str, Values], taken: set[str]) -> str | None:
    free = {_plain(name): name for name in reversed(columns) if name not in taken}
    for wanted in NAMES[role]:
        if wanted in free and (wanted in SURE or _FITS[role](values[free[wanted]])):
            return free[wanted]
    return None


def _by_values(
    role: Role, columns: Sequence[str], values: Mapping[str, Values], taken: set[str]
) -> str | None:
    free = [name for name in columns if name not in taken]
    if role == "text":
        worded = [name for name in free if _reads_like_text(values[name])]
        return max(worded, key=lambda name: _mean_length(values[name]), default=None)
    if role == "rating":
        starred = [name for name in free if "rating" in _plain(name) or "star" in _plain(name)]
        return next((name for name in starred if _is_rating(values[name])), None)
    if role == "id" and free and free[0] == columns[0] == "column_1" and _is_unique(values[free[0]]):
        return free[0]  # the unnamed index that pandas writes
    return None


def _plain(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum())


def _mean_length(values: Values) -> float:
    return sum(map(len, values)) / max(1, len(values))


def _reads_like_text(values: Values) -> bool:
    spaced = sum(1 for value in values if " " in value.strip())
    return bool(values) and spaced * 2 > len(values) and _mean_length(values) >= 20


def _is_text(values: Values) -> bool:
    numbers = sum(1 for value in values if value.strip().replace(".", "", 1).isdigit())
    return numbers * 2 <= len(values)


def _is_rating(values: Values) -> bool:
    stars = sum(1 for value in values if parse_rating(value) is not None)
    return stars * 5 >= len(values)


def _is_label(values: Values) -> bool:
    distinct = len(set(values))
    return distinct <= MAX_CLASSES and (len(values) < 10 or distinct * 2 <= len(values))


def _is_unique(values: Values) -> bool:
    return len(set(values)) == len(values)


def _anything(_values: Values) -> bool:
    return True


_FITS: Mapping[Role, Callable[[Values], bool]] = {
    "text": _is_text,
    "title": _is_text,
    "rating": _is_rating,
    "label": _is_label,
    "category": _anything,
    "id": _is_unique,
    "date": _anything,
}
