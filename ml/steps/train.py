"""Step `train`: features become a model directory with weights, an ONNX export and its spec."""

import sys

import torch

from ml.contract.job import Job
from ml.contract.metrics import report_progress
from ml.contract.outcome import StepRefused, run_program
from ml.contract.stopping import StopSignal
from ml.features.snapshot import Snapshot
from ml.training.artifact import write_history, write_model
from ml.training.checkpoint import Checkpoints, fingerprint
from ml.training.classifier import build_classifier
from ml.training.encoders import Encoder, resolve_encoder
from ml.training.export import export_onnx
from ml.training.features import load_training_data
from ml.training.loop import train
from ml.training.settings import TrainSettings


def main() -> None:
    stop = StopSignal()
    job = Job.from_environment()
    settings = TrainSettings.from_job(job)
    snapshot = Snapshot.open(job.channel("features"))
    encoder = _encoder_of(job, snapshot)
    data = load_training_data(snapshot, settings, int(encoder.config.get("pad_token_id") or 0))
    torch.manual_seed(settings.seed)
    report_progress(0, 0, "loading the encoder")
    classifier = build_classifier(encoder, data.head, settings.dropout)
    classifier.offsets.copy_(torch.from_numpy(data.offsets))
    checkpoints = Checkpoints(
        job.checkpoint_dir, fingerprint(snapshot.sha256, settings.as_dict(), encoder.name)
    )
    position = train(classifier, data.training, data.validation, data.weights, settings, checkpoints, stop)
    report_progress(0, 0, "exporting")
    write_model(job.model_dir, classifier, data.head, encoder, snapshot, settings.as_dict())
    difference = export_onnx(classifier, data.validation.tokens, job.model_dir / "model.onnx")
    rows = len(data.training.tokens)
    write_history(job.output_dir / "history.json", position, settings, rows, difference)


def _encoder_of(job: Job, snapshot: Snapshot) -> Encoder:
    name = job.text("encoder")
    if name != snapshot.description["encoder"]:
        raise StepRefused(
            f"The features were made for the encoder {snapshot.description['encoder']}, not {name}.",
            "Run the prepare step with the same encoder.",
        )
    return resolve_encoder(name)


if __name__ == "__main__":
    sys.exit(run_program(main))
