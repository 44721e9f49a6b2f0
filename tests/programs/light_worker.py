"""A worker inside this process: the real engine, cache, import, preparation and evaluation, a light training.

What it trains is a table of word weights, which takes milliseconds and needs no torch. All else is what a
worker does, so pages find the files, figures and words that they find after a real run.
"""

import hashlib
import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import pyarrow.parquet as pq
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import Whitespace

from app.core.services import Services
from app.runs import caching, queries
from app.runs.leases import Ending, Lease
from app.runs.spec import StepSpec
from app.runs.states import AttemptStatus, StepState
from app.runs.tables import Step
from ml.contract.job import Job
from ml.contract.outcome import StepRefused
from ml.data.importing import Upload, import_upload
from ml.data.mapping import parse
from ml.evaluation.evaluate import evaluate_model
from ml.features.prepare import PrepareSettings, prepare_features
from ml.features.snapshot import Snapshot
from ml.features.tokenization import ReviewTokenizer
from tests.app.registry.artifacts import Review, write_model
from workers.recording import Recorder
from workers.slots import HEAVY, LIGHT, Slots
from workers.steps import StepWorker
from workers.tailing import Tail

NAME = "here-4711"
QUEUES = ("cpu", "gpu", "io")
STEPS_SHOWN = 40
Program = Callable[[Job, TextIO], None]


class LightWorker(StepWorker):
    def __init__(self, services: Services, name: str = NAME) -> None:
        super().__init__(services, name, Slots(QUEUES, {HEAVY: 1, LIGHT: 1}))

    def work_off(self, run_id: str, until: str = "") -> None:
        """Every step that is ready, in their order, to the run's end or to the step named ``until``."""
        while step := self._next(run_id):
            if step.name == until:
                return
            self.execute(step.id)

    def _next(self, run_id: str) -> Step | None:
        with self.services.works.reading() as work:
            steps = queries.steps_of(work.session, run_id)
        return next((step for step in steps if step.state == StepState.READY), None)

    def _attempt(self, step: Step, lease: Lease, card: object = None) -> None:
        scratch = self.services.storage.scratch("light-")
        try:
            self._finish(lease, self._ending(step, lease, scratch))
        finally:
            shutil.rmtree(scratch)

    def _ending(self, step: Step, lease: Lease, scratch: Path) -> Ending:
        job, output = self._job(step, scratch), scratch / "output"
        program = PROGRAMS[StepSpec.from_json(step.spec).program or ""]
        log = scratch / "log"
        try:
            with log.open("w", encoding="utf-8") as out:
                program(job, out)
        except StepRefused as refused:
            return Ending(StepState.FAILED, AttemptStatus.FAILED, refused.message, refused.advice, 65)
        finally:
            Recorder(self.services.works, lease, step.name, Tail(log)).close()
        files = {str(path.relative_to(output)): path for path in output.rglob("*") if path.is_file()}
        tree = self.services.storage.put_tree(files, move=True)
        done = {"artifact": tree.sha256, "artifact_size": tree.size, "exit_code": 0}
        return Ending(StepState.SUCCEEDED, AttemptStatus.SUCCEEDED, **done)

    def _job(self, step: Step, scratch: Path) -> Job:
        with self.services.works.reading() as work:
            inputs = caching.input_trees(work.session, self.services.storage, step)
        for name, tree in inputs.items():
            self.services.storage.materialize(tree, scratch / name)
        output = scratch / "output"
        output.mkdir()
        arguments = StepSpec.from_json(step.spec).arguments
        parameters = {name: _as_text(value) for name, value in arguments.items()}
        channels = {name: scratch / name for name in inputs}
        return Job(channels, parameters, output / "model", output, scratch)


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _quiet(_done: int, _total: int, _phase: str) -> None:
    pass


def _import(job: Job, out: TextIO) -> None:
    file = next(iter(job.channel("upload").iterdir()))
    upload = Upload(file, job.text("filename"), parse(job.text("mapping")))
    version = import_upload(upload, job.output_dir, _quiet)
    print(f"{version['rows']} rows, {version['rejected']} rejected", file=out)


def _prepare(job: Job, out: TextIO) -> None:
    settings = PrepareSettings.from_job(job)
    path = job.checkpoint_dir / "tokenizer.json"
    texts = [row["text"] for row in _rows(job.channel("dataset"), "reviews-*.parquet", ["text"])]
    words = sorted({word for text in texts for word in text.lower().split()})
    tokenizer = Tokenizer(WordLevel({w: n for n, w in enumerate(["[PAD]", "[UNK]", *words])}, "[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = Lowercase(), Whitespace()
    tokenizer.save(str(path))
    tokens = ReviewTokenizer(path, settings.fields, settings.limit)
    prepare_features(job.channel("dataset"), tokens, settings, job.output_dir, _quiet)
    print('[progress] done=1 total=1 phase="tokenizing"', file=out)


def _train(job: Job, out: TextIO) -> None:
    """The curves are drawn from the learning rate, so that two runs differ as two trainings do."""
    snapshot = Snapshot.open(job.channel("features"))
    rows = _rows(snapshot.root / "features", "train-*.parquet", ["review_id", "text", "title", "label"])
    taught = [Review(row["review_id"], row["text"], row["title"] or "", row["label"]) for row in rows]
    write_model(job.model_dir, taught, snapshot.fields, snapshot.limit)
    _complete_spec(job, snapshot)
    epochs = [_epoch(job, number, out) for number in range(1, job.integer("epochs") + 1)]
    history: dict[str, Any] = {"epochs": epochs, "best_epoch": len(epochs), "rows": len(taught)}
    history |= {"steps": STEPS_SHOWN * len(epochs), "device": "cpu", "precision": "float32"}
    (job.output_dir / "history.json").write_text(json.dumps({**history, "export_difference": 1e-6}))


def _complete_spec(job: Job, snapshot: Snapshot) -> None:
    path = job.model_dir / "spec.json"
    spec = json.loads(path.read_text())
    spec |= {"encoder": snapshot.description["encoder"], "features_sha256": snapshot.sha256}
    spec |= {"dataset_sha256": snapshot.description["dataset_sha256"], "parameters": dict(job.parameters)}
    path.write_text(json.dumps(spec))
    (job.model_dir / "model.safetensors").write_bytes(hashlib.sha256(path.read_bytes()).digest() * 64)


def _epoch(job: Job, epoch: int, out: TextIO) -> dict[str, float]:
    first = STEPS_SHOWN * (epoch - 1)
    pace = 0.02 * (1 + job.number("learning_rate") * 1000)
    for step in range(first + 1, first + STEPS_SHOWN + 1):
        loss = 0.35 + 0.7 * math.exp(-pace * step) + 0.03 * math.sin(step * 1.7)
        print(f"[metric] step={step} train_loss={loss:.4f}", file=out)
        print(f'[progress] done={step} total={STEPS_SHOWN} phase="epoch {epoch}"', file=out)
    step, left = first + STEPS_SHOWN, math.exp(-pace * (first + STEPS_SHOWN))
    found = {
        "val_loss": 0.4 + 0.6 * left,
        "val_accuracy": 0.86 - 0.2 * left,
        "val_macro_f1": 0.7 - 0.2 * left,
    }
    print(f"[metric] step={step} {' '.join(f'{n}={v:.4f}' for n, v in found.items())}", file=out)
    return {"epoch": epoch, "step": step, **{name[4:]: value for name, value in found.items()}}


def _evaluate(job: Job, out: TextIO) -> None:
    channels = job.channel("model"), job.channel("features")
    evaluation = evaluate_model(*channels, job.integer("seed"), 1, job.output_dir, _quiet)
    print(f"[metric] step=0 test_accuracy={evaluation['metrics']['accuracy']['value']:.4f}", file=out)


def _rows(directory: Path, pattern: str, columns: list[str]) -> list[dict[str, Any]]:
    return [
        row
        for path in sorted(directory.glob(pattern))
        for row in pq.read_table(path, columns=columns).to_pylist()
    ]


PROGRAMS: dict[str, Program] = {
    "ml.steps.import_data": _import,
    "ml.steps.prepare": _prepare,
    "ml.steps.train": _train,
    "ml.steps.evaluate": _evaluate,
}
