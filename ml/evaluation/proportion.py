"""Intervals of a share and of the difference of two, for what is measured and for the pages that show it."""

import math

Z95 = 1.959964  # the normal quantile of a 95 % interval


def wilson_bounds(share: float, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval. It stays within 0 and 1 and is honest for small n."""
    squared = Z95 * Z95 / n
    middle = (share + squared / 2) / (1 + squared)
    half = Z95 * math.sqrt(share * (1 - share) / n + squared / (4 * n)) / (1 + squared)
    return max(0.0, middle - half), min(1.0, middle + half)


def paired_interval(n: int, gained: int, lost: int) -> tuple[float, float, float]:
    """Change of accuracy with its 95 % interval: Wald with half a case added to each cell (Agresti, Min)."""
    up, down, total = gained + 0.5, lost + 0.5, n + 2
    middle = (up - down) / total
    error = math.sqrt(max(0.0, up + down - (up - down) ** 2 / total)) / total
    return (gained - lost) / max(1, n), middle - Z95 * error, middle + Z95 * error


def mcnemar(gained: int, lost: int) -> float:
    """McNemar's exact test, two-sided; beyond a thousand changes its normal form, equal by then."""
    changed, fewer = gained + lost, min(gained, lost)
    if changed > 1000:
        return math.erfc((abs(gained - lost) - 1) / math.sqrt(2 * changed))
    tail = sum(math.comb(changed, k) for k in range(fewer + 1))
    return min(1.0, float(2 * tail / 2**changed))
