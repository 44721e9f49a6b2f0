"""Identifiers: a prefix that names the kind, the time in milliseconds, then chance.

They sort by the time of their making, so an index on them is also an order of arrival.
"""

import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: no i, l, o, u
_TIME_DIGITS = 9  # 45 bits of milliseconds: until the year 3084
_CHANCE_DIGITS = 7  # 35 bits within one millisecond


def new_id(prefix: str) -> str:
    return f"{prefix}_{_digits(time.time_ns() // 1_000_000, _TIME_DIGITS)}{_chance()}"


def _chance() -> str:
    return _digits(secrets.randbits(5 * _CHANCE_DIGITS), _CHANCE_DIGITS)


def _digits(number: int, count: int) -> str:
    return "".join(_ALPHABET[(number >> (5 * place)) & 31] for place in reversed(range(count)))
