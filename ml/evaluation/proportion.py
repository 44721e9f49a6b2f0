"""The interval of a share, for the figures that are measured and for the charts that draw them."""

import math

Z95 = 1.959964  # the normal quantile of a 95 % interval


def wilson_bounds(share: float, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval. It stays within 0 and 1 and is honest for small n."""
    squared = Z95 * Z95 / n
    middle = (share + squared / 2) / (1 + squared)
    half = Z95 * math.sqrt(share * (1 - share) / n + squared / (4 * n)) / (1 + squared)
    return max(0.0, middle - half), min(1.0, middle + half)
