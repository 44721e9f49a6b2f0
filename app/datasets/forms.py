"""What an upload's fields may hold."""

import re
from collections.abc import Mapping

from app.core.errors import Invalid
from ml.contract.outcome import StepRefused
from ml.data.mapping import ROLES, parse

# Letters, digits, space and . _ - : it stands in addresses and on command lines.
NAME = re.compile(r"[^\W_][\w .-]{0,99}")
ENDINGS = re.compile(r"(\.(csv|tsv|txt|jsonl|ndjson|json|parquet|pq))?(\.(gz|zst|zstd))?$", re.IGNORECASE)
RESERVED = frozenset({"new", "sample"})


class DatasetNameRefused(Invalid):
    title = "The name can't be used"


class MappingRefused(Invalid):
    title = "The mapping can't be used"


def dataset_name(given: str | None) -> str:
    name = " ".join((given or "").split())
    if not name:
        raise DatasetNameRefused(
            "The data set has no name.", "Send the field name, for example spring-reviews."
        )
    if not NAME.fullmatch(name) or name.lower() in RESERVED:
        raise DatasetNameRefused(
            f"{name[:120]!r} can't be the name of a data set.",
            "Use up to 100 letters, digits, spaces and . _ - and start with a letter or digit.",
        )
    return name


def suggested_name(filename: str) -> str:
    """What a file's name suggests for its data set; static/upload.js suggests the same before it is sent."""
    stem = ENDINGS.sub("", filename)
    plain = "".join(each if each.isalnum() or each in " ._-" else "-" for each in stem)
    return " ".join(plain.split()).lstrip(" ._-")[:100].rstrip(" .") or "reviews"


def mapping_field(given: str | None) -> dict[str, object]:
    """The mapping of an API request; what it leaves out is guessed."""
    try:
        return parse(given or "")
    except StepRefused as refused:
        raise MappingRefused(refused.message, refused.advice) from None


def mapping_choices(form: Mapping[str, str]) -> dict[str, object]:
    """The mapping of the page's form: a select for each role, the empty choice meaning none."""
    return {role: form[role] or None for role in ROLES if role in form}
