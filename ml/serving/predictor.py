"""A trained model as the web process uses it: ONNX Runtime and `tokenizers`, never torch.

Evaluation predicts through this same class, so what is evaluated is what is served.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as onnx_errors

from ml.features.composition import ReviewInput
from ml.features.tokenization import Encoded, ReviewTokenizer

__all__ = ["BrokenModel", "Prediction", "Predictor", "ReviewInput"]

BATCH_ROWS = 32
UNREADABLE = (
    onnx_errors.Fail,
    onnx_errors.InvalidArgument,
    onnx_errors.InvalidGraph,
    onnx_errors.InvalidProtobuf,
    onnx_errors.NotImplemented,
    onnx_errors.RuntimeException,
)


class BrokenModel(Exception):
    """The model's directory can't be used: something is missing or not what the model was made with."""


@dataclass(frozen=True)
class Prediction:
    """``tokens`` is the whole review's length; a ``truncated`` one was read up to ``limit``."""

    label: str
    scores: Mapping[str, float]
    tokens: int
    truncated: bool
    limit: int


class Predictor:
    def __init__(
        self, spec: Mapping[str, Any], tokenizer: ReviewTokenizer, session: onnxruntime.InferenceSession
    ) -> None:
        self.labels = tuple(str(label) for label in spec["labels"])
        self.fields = tokenizer.fields
        self.limit = tokenizer.limit
        self._pad_id = int(spec["pad_id"])
        self._tokenizer = tokenizer
        self._session = session

    @classmethod
    def load(cls, directory: Path, threads: int = 1) -> "Predictor":
        """One thread by default: a prediction never takes the machine from the web process's others."""
        for name in ("spec.json", "tokenizer.json", "model.onnx"):
            if not (directory / name).is_file():
                raise BrokenModel(f"The model has no {name}.")
        spec = json.loads((directory / "spec.json").read_text(encoding="utf-8"))
        tokenizer = ReviewTokenizer(
            directory / "tokenizer.json", tuple(spec["fields"]), int(spec["max_seq_length"])
        )
        if tokenizer.sha256 != spec["tokenizer_sha256"]:
            raise BrokenModel("The model's tokenizer is not the one it was trained with.")
        return cls(spec, tokenizer, _session(directory / "model.onnx", threads))

    def predict(self, inputs: Sequence[ReviewInput]) -> list[Prediction]:
        encoded = self._tokenizer.encode(inputs)
        probabilities = self._probabilities(encoded)
        return [self._prediction(row, one) for row, one in zip(probabilities, encoded, strict=True)]

    def _probabilities(self, encoded: Sequence[Encoded]) -> npt.NDArray[np.float64]:
        """Rows of like length go together, so that little of a batch is padding."""
        lengths = np.array([len(one.ids) for one in encoded], dtype=np.int64)
        order = np.argsort(lengths, kind="stable")
        found = np.zeros((len(encoded), len(self.labels)))
        for start in range(0, len(order), BATCH_ROWS):
            rows = order[start : start + BATCH_ROWS]
            found[rows] = self._run([encoded[row].ids for row in rows])
        return found

    def _run(self, batch: Sequence[list[int]]) -> npt.NDArray[np.float64]:
        width = max(len(ids) for ids in batch)
        ids = np.full((len(batch), width), self._pad_id, dtype=np.int64)
        mask = np.zeros((len(batch), width), dtype=np.int64)
        for row, tokens in enumerate(batch):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        (log_probabilities,) = self._session.run(None, {"input_ids": ids, "attention_mask": mask})
        return np.asarray(np.exp(log_probabilities.astype(np.float64)))

    def _prediction(self, probabilities: npt.NDArray[np.float64], encoded: Encoded) -> Prediction:
        scores = {label: float(score) for label, score in zip(self.labels, probabilities, strict=True)}
        label = self.labels[int(probabilities.argmax())]
        return Prediction(label, scores, encoded.tokens, encoded.truncated, self.limit)


def _session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except UNREADABLE as error:
        raise BrokenModel("The model's ONNX file is damaged.") from error
