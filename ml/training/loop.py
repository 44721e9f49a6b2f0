"""The training loop, top to bottom.

It differs from the labs' in what they got wrong: the attention mask is used, validation covers every row
and keeps no gradients, and the weights that leave are those of the best validated epoch.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ml.contract.metrics import report_metrics, report_progress
from ml.contract.stopping import StopSignal
from ml.evaluation.counts import accuracy_of, confusion_of, macro_f1_of
from ml.training.batching import TokenRows, sorted_batches, training_batches
from ml.training.checkpoint import Checkpoints, Position, restore_random_state
from ml.training.classifier import Classifier
from ml.training.optimizer import MasterAdamW
from ml.training.settings import TrainSettings, device_of, number_format

SAVE_SECONDS = 120  # what a killed worker loses at most; a save costs about a second
METRIC_LINES = 200  # a chart needs no more points


@dataclass(frozen=True)
class Part:
    """Rows of one side: ``targets`` index the head's outputs, ``labels`` the labels."""

    tokens: TokenRows
    targets: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Validation:
    loss: float
    accuracy: float
    macro_f1: float


def train(
    classifier: Classifier,
    training: Part,
    validation: Part,
    class_weights: npt.NDArray[np.float64],
    settings: TrainSettings,
    checkpoints: Checkpoints,
    stop: StopSignal,
) -> Position:
    """Train in place: at the end the network holds the kept weights in float32, on the CPU."""
    device = device_of()
    classifier.freeze(settings.frozen_layers, everything=settings.freeze_encoder)
    classifier.to(device)
    optimizer = MasterAdamW(classifier, settings.learning_rate, settings.layer_decay, settings.weight_decay)
    frozen = {
        name: weight for name, weight in classifier.state_dict().items() if name not in optimizer.masters
    }
    frozen = {name: weight.clone() for name, weight in frozen.items()}
    classifier.to(number_format(settings.precision, device))
    targets = torch.from_numpy(training.targets).to(device)
    row_weights = torch.from_numpy(class_weights[training.labels]).float().to(device)

    per_epoch = len(training_batches(training.tokens.lengths, settings.train_batch_size, settings.seed, 0))
    per_epoch = min(per_epoch, settings.train_steps or per_epoch)
    total = per_epoch * settings.epochs
    position, best = Position(), dict[str, Tensor]()
    if found := checkpoints.load():
        position, tensors = found
        optimizer.restore(tensors)
        restore_random_state(tensors)
        best = {name[5:]: tensor for name, tensor in tensors.items() if name.startswith("best/")}
        report_progress(position.step, total, "resumed from a checkpoint")

    def save() -> None:
        kept = {f"best/{name}": weight for name, weight in best.items()}
        checkpoints.save(position, {**optimizer.tensors(), **kept})

    saved = told = time.monotonic()
    losses: list[Tensor] = []
    while position.epoch < settings.epochs:
        classifier.train()
        # The order of batches follows from seed and epoch, so a resumed run takes up the very next one.
        batches = training_batches(
            training.tokens.lengths, settings.train_batch_size, settings.seed, position.epoch
        )
        for rows in batches[position.batch : per_epoch]:
            ids, mask = training.tokens.batch(rows)
            scores = classifier(ids.to(device), mask.to(device))
            loss = nn.functional.cross_entropy(
                scores, targets[rows], reduction="none", label_smoothing=settings.label_smoothing
            )
            loss = (loss * row_weights[rows]).mean()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step(settings.share_of_peak(position.step, total))
            position.step += 1
            position.batch += 1
            losses.append(loss.detach())  # read rarely: each read makes the CPU wait for the GPU
            if position.step % max(1, total // METRIC_LINES) == 0:
                report_metrics(position.step, train_loss=float(torch.stack(losses).mean()))
                losses.clear()
            now = time.monotonic()
            if now - told >= 1:
                report_progress(position.step, total, f"epoch {position.epoch + 1} of {settings.epochs}")
                told = now
            if stop.received or now - saved >= SAVE_SECONDS:
                save()
                stop.check()
                saved = now

        if settings.run_validation:
            phase = f"epoch {position.epoch + 1} of {settings.epochs}, validating"
            tell = partial(report_progress, position.step, total, phase)
            result = validate(classifier, validation, settings, device, stop, tell)
            if stop.received:  # cut short, so the next attempt does it again from this position
                save()
                stop.check()
            report_metrics(
                position.step,
                val_loss=result.loss,
                val_accuracy=result.accuracy,
                val_macro_f1=result.macro_f1,
            )
            position.epochs.append({"epoch": position.epoch + 1, "step": position.step, **vars(result)})
            if result.macro_f1 > position.best_macro_f1:
                position.best_macro_f1, position.best_epoch = result.macro_f1, position.epoch + 1
                best = {name: master.detach().clone() for name, master in optimizer.masters.items()}
        position.epoch, position.batch = position.epoch + 1, 0
        save()
        saved = time.monotonic()
        stop.check()

    kept = best or {name: master.detach() for name, master in optimizer.masters.items()}
    position.best_epoch = position.best_epoch if best else position.epoch
    classifier.float().load_state_dict({**frozen, **kept})
    classifier.cpu().eval()
    return position


@torch.no_grad()
def validate(
    classifier: Classifier,
    part: Part,
    settings: TrainSettings,
    device: torch.device,
    stop: StopSignal,
    tell: Callable[[], None],
) -> Validation:
    """Loss, accuracy and macro-F1 over the whole part, unless ``validation_steps`` says fewer batches.

    ``tell`` says how far the training is: the share that is done must not fall back with each epoch.
    """
    classifier.eval()
    batches = list(sorted_batches(part.tokens.lengths, settings.validation_batch_size))
    log_probabilities, labels, told = [], [], time.monotonic()
    for rows in batches[: settings.validation_steps]:
        ids, mask = part.tokens.batch(rows)
        scores = classifier(ids.to(device), mask.to(device))
        log_probabilities.append(classifier.label_log_probabilities(scores).cpu())
        labels.append(torch.from_numpy(part.labels[rows]))
        if time.monotonic() - told >= 1:
            tell()
            told = time.monotonic()
        if stop.received:
            break  # the loop throws a half validation away
    scores, truth = torch.cat(log_probabilities), torch.cat(labels)
    confusion = confusion_of(truth.numpy(), scores.argmax(1).numpy(), scores.shape[1])
    loss = float(nn.functional.nll_loss(scores, truth))
    return Validation(loss, accuracy_of(confusion), macro_f1_of(confusion))
