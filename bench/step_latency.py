"""From one step's commit to the next child's start, over chains of ten toy steps through broker and worker.

``python -m bench.step_latency [chains]``. The clock is the machine's: the database's at the commit, the
program's own in its first line, so the interpreter's start counts and the program's imports don't. The toys
are those of the tests on purpose: what is measured is what is tested, and neither is part of the product.
"""

import itertools
import shutil
import statistics
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from app.core import migrations
from app.core.settings import Settings
from app.handlers import open_services
from tests.programs.fleet import Fleet, start_broker, wait_until
from tests.programs.installation import Inbox, Toys, toy_services

CHAINS = 3


def main(chains: int) -> None:
    home = Path(tempfile.mkdtemp(prefix="fr-bench-"))
    settings = Settings(home=home, database_url=None, redis_url=None)
    migrations.upgrade(settings)
    broker = start_broker(settings)
    services = open_services(settings)
    fleet = Fleet(Toys(toy_services(services), Inbox()), lease_seconds=60)
    try:
        fleet.start()
        gaps = [gap for _ in range(chains) for gap in measure(fleet.toys)]
    finally:
        fleet.end()
        services.close()
        broker.kill()
        broker.wait()
        shutil.rmtree(home)
    ordered = sorted(gaps)
    p90 = ordered[int(0.9 * (len(ordered) - 1))]
    print(
        f"steps {len(gaps)}  median {statistics.median(gaps):.3f} s  p90 {p90:.3f} s  max {ordered[-1]:.3f} s"
    )


def measure(toys: Toys) -> list[float]:
    """The gaps of one chain."""
    run_id = toys.launch("chain")
    wait_until(lambda: toys.detail(run_id).run.status == "succeeded", "the chain succeeded", 120)
    steps = toys.detail(run_id).steps
    gaps = []
    for before, after in itertools.pairwise(steps):
        started = datetime.fromtimestamp(float(toys.text(run_id, after.name, "started")), UTC)
        assert before.finished_at is not None
        gaps.append((started - before.finished_at).total_seconds())
    return gaps


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else CHAINS)
