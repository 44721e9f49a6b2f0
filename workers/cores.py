"""How many cores this worker may use, which in a container is less than what the machine has."""

import math
import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup/cpu.max")


def usable_cores(cgroup: Path = CGROUP) -> int:
    """Threads beyond the quota would be stopped for most of each tenth of a second, all of them at once."""
    return max(1, min(len(os.sched_getaffinity(0)), _quota(cgroup)))


def _quota(cgroup: Path) -> int:
    """``200000 100000`` is two cores' time; ``max`` and an absent file are no limit."""
    try:
        granted, _, period = cgroup.read_text().partition(" ")
        return math.ceil(int(granted) / int(period))
    except (OSError, ValueError):
        return os.cpu_count() or 1
