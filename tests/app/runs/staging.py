"""Runs in any state, brought there by the engine's own verbs: launched, claimed, beaten, finished."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from app.core.ids import new_id
from app.core.services import Services
from app.datasets.tables import Dataset, DatasetVersion, Upload, VersionStatus
from app.runs import leases, queries
from app.runs.launch import LaunchRequest, RunLauncher
from app.runs.leases import Ending, Lease
from app.runs.states import AttemptStatus, StepState
from app.runs.tables import LogChunk, MetricPoint, Worker
from ml.pipeline.catalogue import PIPELINES

LABELS = ("-1", "0", "1")


class SilentMessenger:
    """Nobody listens: these tests claim the steps themselves."""

    def send_step(self, step_id: str, queue: str) -> None:
        pass


@dataclass
class Stage:
    services: Services
    actor_id: str
    messenger: SilentMessenger = field(default_factory=SilentMessenger)

    def dataset(self, name: str = "clothing", rows: int = 22_641) -> str:
        """The id of a ready version, whose one file is a stand-in for its shards."""
        tree = self.tree({"reviews-00000.parquet": b"shard", "version.json": b"{}"})
        with self.services.works.writing() as work:
            upload = Upload(
                id=new_id("up"), filename="reviews.csv", sha256="0" * 64, size=10, tree_sha256=tree
            )
            upload.dataset_name, upload.peek, upload.created_by = name, {}, self.actor_id
            work.session.add(upload)
            dataset = Dataset(id=new_id("ds"), name=name, last_number=1, created_by=self.actor_id)
            work.session.add(dataset)
            work.session.flush()
            version = DatasetVersion(id=new_id("dv"), dataset_id=dataset.id, number=1, rows=rows, rejected=0)
            version.status, version.upload_id, version.tree_sha256 = VersionStatus.READY, upload.id, tree
            version.created_by, version.facts, version.message = self.actor_id, {}, ""
            work.session.add(version)
            return version.id

    def launch(
        self, version_id: str, *, recipe: str = "quick", device: str = "auto", **parameters: object
    ) -> str:
        with self.services.works.writing() as work:
            version = work.session.get_one(DatasetVersion, version_id)
            inputs = {"dataset": version.tree_sha256 or ""}
            launcher = RunLauncher(PIPELINES, self.messenger)
            request = LaunchRequest(
                "review-classifier",
                self.actor_id,
                inputs,
                parameters,
                recipe,
                version_id,
                model="clothing",
                device=device,
            )
            return launcher.start(work, request).id

    def claim(self, run_id: str, step: str, worker: str = "cpu-1") -> Lease:
        with self.services.works.writing() as work:
            found = next(one for one in queries.steps_of(work.session, run_id) if one.name == step)
            found.not_before = None  # nobody wants to wait for the pause between two attempts
            work.session.flush()
            lease = leases.claim(work, found, worker, 60)
        assert lease is not None, f"{step} is not ready"
        return lease

    def finish(self, lease: Lease, ending: Ending) -> None:
        with self.services.works.writing() as work:
            assert leases.finish(work, self.services, lease, ending)

    def succeed(
        self, run_id: str, step: str, files: Mapping[str, bytes] | None = None, **result: Any
    ) -> None:
        artifact = self.tree(files) if files else None
        done = Ending(StepState.SUCCEEDED, AttemptStatus.SUCCEEDED, artifact=artifact, result=result or None)
        self.finish(self.claim(run_id, step), done)

    def fail(self, run_id: str, step: str, message: str, advice: str = "") -> Lease:
        lease = self.claim(run_id, step)
        self.break_off(lease, message, advice)
        return lease

    def break_off(self, lease: Lease, message: str, advice: str = "") -> None:
        self.finish(lease, Ending(StepState.FAILED, AttemptStatus.FAILED, message, advice, 65))

    def lose(self, run_id: str, step: str) -> Lease:
        """The worker died; the step waits to be tried again."""
        lease = self.claim(run_id, step)
        self.finish(lease, Ending(StepState.READY, AttemptStatus.LOST, "The worker cpu-1 was lost."))
        return lease

    def train(
        self,
        run_id: str,
        *,
        passed: bool = True,
        measured: Mapping[str, Any] | None = None,
        predictions: bytes | None = None,
    ) -> None:
        """Through all steps; what they leave looks like the real thing."""
        files = {"evaluation.json": json.dumps(measured or evaluation()).encode()}
        if predictions is not None:
            files["predictions.parquet"] = predictions
        self.succeed(run_id, "prepare", {"snapshot.json": b"{}", "features/train-00000.parquet": b"rows"})
        self.succeed(run_id, "train", {"model/model.safetensors": b"weights", "model/spec.json": b"{}"})
        self.succeed(run_id, "evaluate", files)
        check = {"label": "accuracy", "value": 0.86, "comparison": ">=", "threshold": 0.33, "passed": passed}
        reasons = [] if passed else ["accuracy 0.31 is below 0.33"]
        self.succeed(run_id, "gate", passed=passed, reasons=reasons, checks=[check])
        if passed:
            self.succeed(run_id, "register", model="clothing", version=1, model_version_id="mv_1")

    def progress(self, lease: Lease, done: int, total: int, phase: str) -> None:
        with self.services.works.writing() as work:
            told = {"done": done, "total": total, "phase": phase}
            assert leases.note_progress(work, lease, told, told)

    def log(self, lease: Lease, *lines: str) -> None:
        with self.services.works.telemetry_writing() as telemetry:
            place = {"run_id": lease.run_id, "step_id": lease.step_id, "attempt": lease.attempt}
            telemetry.session.add(LogChunk(**place, line=1, text="\n".join(lines)))

    def measure(self, lease: Lease, **series: list[tuple[int, float]]) -> None:
        with self.services.works.telemetry_writing() as telemetry:
            place = {"run_id": lease.run_id, "step_id": lease.step_id, "attempt": lease.attempt}
            for name, points in series.items():
                telemetry.session.add_all(
                    MetricPoint(**place, step=step, name=name, value=value) for step, value in points
                )

    def worker(self, *queues: str, name: str = "cpu-1", devices: Sequence[str] = ()) -> None:
        with self.services.works.writing() as work:
            about = {"host": "here", "pid": 1, "slots": {}, "kinds": [], "version": "1"}
            work.session.add(Worker(id=name, queues=list(queues), devices=list(devices), **about))

    def tree(self, files: Mapping[str, bytes]) -> str:
        directory = self.services.storage.scratch("test-")
        paths = {}
        for place, (name, content) in enumerate(files.items()):
            paths[name] = Path(directory, str(place))
            paths[name].write_bytes(content)
        return self.services.storage.put_tree(paths).sha256


def curve(average: float, n: int) -> dict[str, Any]:
    return {
        "n": n,
        "average_precision": average,
        "auc": 0.9,
        "precision": [1.0, average, 0.2],
        "sensitivity": [0.0, 0.8, 1.0],
    }


def slice_of(dimension: str, name: str, n: int, accuracy: float) -> dict[str, Any]:
    figures = {"accuracy": metric(accuracy, n=n), "baseline": metric(0.8, n=n)}
    return {"dimension": dimension, "slice": name, "n": n, **figures, "difference": metric(0.05, 0.06, n)}


def answers(rows: list[tuple[str, str, str, str]]) -> bytes:
    """predictions.parquet of rows ``(actual, predicted, category, text)``, the surest first."""
    columns: dict[str, list[Any]] = {
        "review_id": [f"row-{number}" for number in range(1, len(rows) + 1)],
        "row": list(range(1, len(rows) + 1)),
        "label": [row[0] for row in rows],
        "category": [row[2] for row in rows],
        "title": ["" for _ in rows],
        "text": [row[3] for row in rows],
        "predicted": [row[1] for row in rows],
        "baseline": [row[0] for row in rows],
    }
    for label in LABELS:
        columns[f"p_{label}"] = [
            0.95 - place / 1000 if row[1] == label else 0.01 for place, row in enumerate(rows)
        ]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink, row_group_size=10)
    return bytes(sink.getvalue())


def metric(value: float, half: float = 0.02, n: int = 1133) -> dict[str, Any]:
    return {"value": value, "low": value - half, "high": value + half, "n": n}


def evaluation(difference: float = 0.05) -> dict[str, Any]:
    """The shape that the evaluate step writes."""
    f1 = dict(zip(LABELS, (0.66, 0.43, 0.95), strict=True))
    support = dict(zip(LABELS, (119, 29, 873), strict=True))
    of_class = {
        label: {
            "precision": metric(f1[label]),
            "recall": metric(f1[label]),
            "f1": metric(f1[label]),
            "support": support[label],
        }
        for label in LABELS
    }
    metrics = {"accuracy": metric(0.859), "macro_f1": metric(0.68), "ece": metric(0.022, 0.01)}
    baseline = {"accuracy": metric(0.812), "macro_f1": metric(0.63), "ece": metric(0.033, 0.01)}
    return {
        "metrics": {**metrics, "per_class": of_class},
        "baseline": {**baseline, "per_class": of_class},
        "difference": {"macro_f1": metric(difference, 0.03), "accuracy": metric(0.047)},
        "confusion": {
            "labels": LABELS,
            "rows_are": "truth",
            "matrix": [[83, 29, 7], [5, 20, 4], [7, 31, 835]],
        },
        "reliability": [
            {"low": 0.4, "high": 0.5, "confidence": 0.45, "accuracy": 0.45, "n": 29},
            {"low": 0.9, "high": 1.0, "confidence": 0.96, "accuracy": 0.95, "n": 1104},
        ],
        "paired": {"gained": 84, "lost": 41, "both": 889, "n": 1133, "chance": 0.0002},
        "coverage": [
            {"threshold": 0.35, "answered": 1.0, "accuracy": metric(0.859)},
            {"threshold": 0.7, "answered": 0.867, "accuracy": metric(0.913, n=982)},
            {"threshold": 0.95, "answered": 0.548, "accuracy": metric(0.966, n=621)},
        ],
        "curves": {
            "grid": [0.0, 0.5, 1.0],
            "classes": {"-1": curve(0.71, 119), "0": curve(0.46, 29), "1": curve(0.98, 873)},
        },
        "slices": [
            slice_of("category", "Tops", 503, 0.865),
            slice_of("category", "Jackets", 50, 0.72),
            slice_of("category", "Trend", 6, 0.83),
            slice_of("length", "under 30 words", 159, 0.906),
        ],
        "labels": LABELS,
        "split": "test",
        "n": 1133,
        "interval": {"level": 0.95, "method": "percentile bootstrap"},
        "always_majority": {"accuracy": 0.77},
        "verdict": "Better than the TF-IDF baseline.",
        "truncated": {"rows": 128, "share": 0.113, "limit": 128},
    }
