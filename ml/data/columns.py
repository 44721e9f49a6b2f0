"""Names of columns as the product uses them: none empty, no two alike even without their case."""

from collections.abc import Sequence


def name_columns(found: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Deterministic names in the order found, and a warning for each kind of change."""
    names: list[str] = []
    taken: set[str] = set()
    unnamed, repeated = [], []
    for position, raw in enumerate(found, start=1):
        wanted = _clean(raw) or f"column_{position}"
        name = _free(wanted, taken)
        if not _clean(raw):
            unnamed.append(name)
        elif name != wanted:
            repeated.append(name)
        taken.add(name.casefold())
        names.append(name)
    return tuple(names), tuple(_warnings(unnamed, repeated))


def _clean(raw: str) -> str:
    return " ".join(raw.replace("\x00", "").encode("utf-8", "replace").decode().split())[:200]


def _free(wanted: str, taken: set[str]) -> str:
    name, number = wanted, 1
    while name.casefold() in taken:
        number += 1
        name = f"{wanted}_{number}"
    return name


def _warnings(unnamed: list[str], repeated: list[str]) -> list[str]:
    warnings = []
    if unnamed:
        warnings.append(f"Columns without a name were named by their position: {', '.join(unnamed)}.")
    if repeated:
        warnings.append(f"Columns whose name stood there already were numbered: {', '.join(repeated)}.")
    return warnings
