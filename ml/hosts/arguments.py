"""A program's parameters as a container's arguments, and back: ``--name value`` pairs.

The service takes at most 256 characters an argument, so a longer value goes on in ``--name+`` pairs.
"""

from collections.abc import Mapping, Sequence

LONGEST = 256


class BadArguments(ValueError):
    """They are no pairs of a name and a value."""


def as_arguments(parameters: Mapping[str, str]) -> list[str]:
    return [word for name, value in parameters.items() for word in _pairs(name, value)]


def of_arguments(words: Sequence[str]) -> dict[str, str]:
    names, values = words[::2], words[1::2]
    if len(names) != len(values) or not all(name.startswith("--") for name in names):
        raise BadArguments(f"The arguments are no pairs of --name and value: {' '.join(words)[:200]}")
    found: dict[str, str] = {}
    for name, value in zip(names, values, strict=True):
        plain = name.removeprefix("--")
        if plain.endswith("+"):
            found[plain[:-1]] = found.get(plain[:-1], "") + value
        else:
            found[plain] = value
    return found


def _pairs(name: str, value: str) -> list[str]:
    words = [f"--{name}", value[:LONGEST]]
    for start in range(LONGEST, len(value), LONGEST):
        words += [f"--{name}+", value[start : start + LONGEST]]
    return words
