"""``python -m tests.reliability.every_fault [scenario …]``: every point, every kind, every time.

CI takes a sample (test_c01_every_fault.py); this is the whole, with a line for each trial that went wrong.
"""

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from app.core import migrations
from app.core.settings import Settings
from tests.reliability.trials import SCENARIOS, all_faults, open_ground


def main(scenarios: list[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        directory = Path(name)
        migrations.upgrade(Settings(home=directory / "migrated", database_url=None, redis_url=None))
        started, wrong, tried = time.monotonic(), 0, Counter[str]()
        with open_ground(directory, directory / "migrated", scenarios) as ground:
            faults = all_faults(ground, scenarios)
            print(f"{len(faults)} faults at {len({fault.point for fault in faults})} points", flush=True)
            for number, fault in enumerate(faults):
                if number % 50 == 0:
                    print(f"{number} tried, {wrong} went wrong", flush=True)
                tried[f"{fault.scenario} {fault.kind}"] += 1
                if said := ground.try_out(fault):
                    wrong += 1
                    print(f"WRONG {said}", flush=True)
    print(f"{tried.total()} trials in {time.monotonic() - started:.0f} s, {wrong} went wrong: {dict(tried)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(SCENARIOS)))
