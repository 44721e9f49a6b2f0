"""From the file on disk to a registered version: the seconds a person waits, by the command line.

``FITTINGROOM_SAMPLE=reviews.csv .venv/bin/python -m bench.upload_to_registered [recipe]`` brings up the
whole product on a home of its own, pushes the real reviews, runs the recipe and prints each part.
"""

import json
import os
import subprocess
import sys
import time
from typing import Any

from bench.installation import ROOT, Installation, installation


def command(product: Installation, *arguments: str) -> tuple[float, Any]:
    began = time.monotonic()
    program = [str(ROOT / ".venv/bin/fittingroom"), *arguments, "-o", "json"]
    done = subprocess.run(program, env=product.environment(), stdout=subprocess.PIPE, text=True)
    if not done.stdout:
        raise SystemExit(f"{' '.join(arguments)} ended with {done.returncode}")
    return time.monotonic() - began, json.loads(done.stdout)


def figure(found: dict[str, Any]) -> str:
    return f"{found['value']:.3f} ({found['low']:.3f}–{found['high']:.3f}), n = {found['n']}"


def main(recipe: str) -> None:
    with installation() as product:
        pushed, version = command(
            product, "dataset", "push", os.environ["FITTINGROOM_SAMPLE"], "--name", "real"
        )
        print(f"upload and import: {pushed:.1f} s, {version['rows']:,} rows, {version['rejected']} set aside")
        ran, run = command(product, "run", "start", "--dataset", "real", "--recipe", recipe, "--wait")
    for step in run["steps"]:
        print(f"  {step['name']}: {step['status']}, {step['seconds']:.1f} s")
    print(f"upload to the end of the run: {pushed + ran:.0f} s; registered: {run['model_version']}")
    for name in ("macro_f1", "accuracy"):
        print(f"{name}: {figure(run['metrics'][name])}; baseline {figure(run['baseline'][name])}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "quick")
