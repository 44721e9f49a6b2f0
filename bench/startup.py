"""How long ``make run`` takes to the first page: the first start of a home, then later ones.

``.venv/bin/python -m bench.startup [times]`` prints each start's seconds and the median of the later.
"""

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from bench.installation import ROOT, free_port


def seconds_to_first_page(home: Path) -> float:
    port = free_port()
    environment = {**os.environ, "FITTINGROOM_HOME": str(home), "PORT": str(port)}
    began = time.monotonic()
    process = subprocess.Popen(
        ["make", "run"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while True:
            if process.poll() is not None:
                raise SystemExit(f"make run ended with {process.returncode}; its logs are in {home}/logs")
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/login", timeout=5) as page:
                    page.read()
                return time.monotonic() - began
            except OSError:
                time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def main() -> None:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as directory:
        first, *later = [seconds_to_first_page(Path(directory)) for _ in range(times + 1)]
    print(f"first start of a home: {first:.2f} s")
    print("later starts: " + ", ".join(f"{seconds:.2f}" for seconds in later))
    print(f"median of the later ones: {statistics.median(later):.2f} s (wanted: under 8 s)")


if __name__ == "__main__":
    main()
