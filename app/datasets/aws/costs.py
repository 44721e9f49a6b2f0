"""What a query costs: Athena bills what it scans, at its list price of most regions, 2026-11."""

DOLLARS_PER_TERABYTE = 5.0
TERABYTE = 2**40
LEAST_BYTES = 10 * 2**20  # billed for any query


def dollars(scanned: int) -> float:
    return max(scanned, LEAST_BYTES) / TERABYTE * DOLLARS_PER_TERABYTE


def in_words(scanned: int) -> str:
    cost = dollars(scanned)
    return f"${cost:.5f}" if cost < 0.01 else f"${cost:.2f}"
