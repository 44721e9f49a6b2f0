"""The trained network as ONNX: ids and mask in, log-probabilities of the labels out.

The summation over stars is inside the graph, so serving needs no knowledge of the head. PyTorch's older
exporter traces this network in 1.3 s where the newer one takes 11 s, with equal outputs; a trace can
freeze what it should not, so real rows of several lengths go through both before the file counts.
"""

import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from ml.contract.faults import faultpoint
from ml.contract.outcome import StepRefused
from ml.training.batching import TokenRows, sorted_batches
from ml.training.classifier import Classifier

TOLERANCE = 1e-3
OPSET = 17
CHECKED_ROWS = 64
CHECKED_BATCH = 8


class _Served(nn.Module):
    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        scores = self.classifier(input_ids, attention_mask)
        return self.classifier.label_log_probabilities(scores)


@torch.no_grad()
def export_onnx(classifier: Classifier, rows: TokenRows, path: Path) -> float:
    """Write the file and return the largest difference of a probability found on real rows."""
    served = _Served(classifier).eval()  # the exporter puts back the mode it finds
    example = rows.batch(np.arange(min(2, len(rows))))
    faultpoint("model.export")
    axes = {0: "rows", 1: "tokens"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer warns of every Python number it meets
        torch.onnx.export(
            served,
            example,
            path,
            dynamo=False,
            opset_version=OPSET,
            input_names=["input_ids", "attention_mask"],
            output_names=["log_probabilities"],
            dynamic_axes={"input_ids": axes, "attention_mask": axes, "log_probabilities": {0: "rows"}},
        )
    difference = largest_difference(served, rows, path)
    if difference > TOLERANCE:
        raise StepRefused(
            f"The exported model answers otherwise than the trained one (by {difference:.2g}).",
            "Choose another encoder: this one can't be exported faithfully.",
        )
    return difference


def largest_difference(served: nn.Module, rows: TokenRows, path: Path) -> float:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    lengths = rows.lengths[:CHECKED_ROWS]
    worst = 0.0
    for batch in sorted_batches(lengths, CHECKED_BATCH):
        ids, mask = rows.batch(batch)
        feed = {"input_ids": ids.numpy(), "attention_mask": mask.numpy()}
        exported = np.exp(session.run(None, feed)[0])
        trained = served(ids, mask).exp().numpy()
        worst = max(worst, float(np.abs(exported - trained).max()))
    return worst
