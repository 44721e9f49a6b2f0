"""A recipe against the TF-IDF baseline over several seeds, on the real reviews.

    FITTINGROOM_SAMPLE=reviews.csv .venv/bin/python -m bench.quick_quality --recipe quick --seeds 5

Each seed splits anew, so each has test rows of its own; candidate and baseline are compared on the same
rows (paired), and the interval over the seeds is Student's. The steps run as a worker runs them. CPU
seconds are printed beside wall seconds, because the machine may be busy with other things.
"""

import argparse
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ml.data.importing import Upload, import_upload
from ml.pipeline.definition import ProgramStep
from ml.pipeline.resolve import as_strings, resolve_arguments, resolve_parameters
from ml.pipeline.review_classifier import REVIEW_CLASSIFIER

STUDENT = {1: 12.71, 2: 4.30, 3: 3.18, 4: 2.78, 5: 2.57, 6: 2.45, 7: 2.36, 8: 2.31, 9: 2.26}


def run_step(name: str, root: Path, channels: dict[str, Path], parameters: dict[str, object]) -> Path:
    step = REVIEW_CLASSIFIER.step(name)
    assert isinstance(step, ProgramStep)
    for directory in ("model", "data", "out", "checkpoints"):
        (root / name / directory).mkdir(parents=True)
    environment = os.environ | {
        "SM_CHANNELS": json.dumps(list(channels)),
        **{f"SM_CHANNEL_{channel.upper()}": str(path) for channel, path in channels.items()},
        "SM_HPS": json.dumps(as_strings(resolve_arguments(step.arguments, parameters))),
        "SM_MODEL_DIR": str(root / name / "model"),
        "SM_OUTPUT_DIR": str(root / name / "out"),
        "SM_OUTPUT_DATA_DIR": str(root / name / "data"),
        "SM_CHECKPOINT_DIR": str(root / name / "checkpoints"),
    }
    environment.setdefault("SM_NUM_CPUS", str(os.cpu_count()))
    used, started = cpu_seconds(), time.monotonic()
    log = root / name / "log"
    with log.open("w") as file:
        code = subprocess.call(
            [sys.executable, "-m", step.program], env=environment, stdout=file, stderr=file
        )
    if code:
        sys.exit(log.read_text())
    cpu, wall = cpu_seconds() - used, time.monotonic() - started
    print(f"  {name}: {cpu:.0f} CPU s, {wall:.0f} s", flush=True)
    return root / name


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run_seed(dataset: Path, recipe: str, given: dict[str, str], seed: int) -> dict[str, object]:
    parameters = resolve_parameters(REVIEW_CLASSIFIER, {**given, "seed": seed}, recipe)
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        features = run_step("prepare", root, {"dataset": dataset}, parameters) / "data"
        model = run_step("train", root, {"features": features}, parameters) / "model"
        report = run_step("evaluate", root, {"model": model, "features": features}, parameters) / "data"
        return json.loads((report / "evaluation.json").read_text())


def figure(found: dict[str, float]) -> str:
    return f"{found['value']:+.4f} [{found['low']:+.4f}, {found['high']:+.4f}]"


def report_seed(seed: int, evaluation: dict) -> None:
    metrics, baseline, difference = (evaluation[name] for name in ("metrics", "baseline", "difference"))
    print(f"seed {seed}, n = {evaluation['n']}")
    for name in ("macro_f1", "accuracy", "ece"):
        line = f"  {name}: {metrics[name]['value']:.4f}, baseline {baseline[name]['value']:.4f}"
        print(line + (f", difference {figure(difference[name])}" if name in difference else ""))
    f1 = [f"{metrics['per_class'][label]['f1']['value']:.3f}" for label in evaluation["labels"]]
    print(f"  f1 by class: {' '.join(f1)}", flush=True)


def over_seeds(name: str, evaluations: list[dict]) -> None:
    values = [one["difference"][name]["value"] for one in evaluations]
    mean = statistics.mean(values)
    own = statistics.mean(one["metrics"][name]["value"] for one in evaluations)
    base = statistics.mean(one["baseline"][name]["value"] for one in evaluations)
    line = f"{name}: mean {own:.4f}, baseline {base:.4f}, difference {mean:+.4f}"
    if len(values) > 1:
        half = STUDENT[len(values) - 1] * statistics.stdev(values) / math.sqrt(len(values))
        line += f", 95 % interval {mean - half:+.4f} to {mean + half:+.4f}"
    print(line)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--recipe", default="quick")
    options.add_argument("--seeds", type=int, default=5)
    options.add_argument("--first-seed", type=int, default=42)
    options.add_argument("--param", action="append", default=[], metavar="NAME=VALUE")
    given = options.parse_args()
    sample = Path(os.environ["FITTINGROOM_SAMPLE"])
    parameters = dict(pair.split("=", 1) for pair in given.param)
    with tempfile.TemporaryDirectory() as directory:
        import_upload(Upload(sample, sample.name, {}), Path(directory), lambda *_: None)
        evaluations = []
        for seed in range(given.first_seed, given.first_seed + given.seeds):
            evaluations.append(run_seed(Path(directory), given.recipe, parameters, seed))
            report_seed(seed, evaluations[-1])
    print(f"{given.recipe} {' '.join(given.param)} over {given.seeds} seeds")
    for name in ("macro_f1", "accuracy"):
        over_seeds(name, evaluations)


if __name__ == "__main__":
    main()
