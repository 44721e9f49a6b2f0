"""How a version is used: over the endpoints that it answers on, and from its files alone.

The head over the encoder is this product’s own, so a text-classification pipeline of transformers would
build another one with weights of chance. The ONNX file is whole: it holds the encoder and the head.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.registry.views import VersionDetail

FROM_FILES = """import json
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

folder = Path({folder!r})  # where {archive} was unpacked
spec = json.loads((folder / "spec.json").read_text())
tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
tokenizer.no_padding()
tokenizer.enable_truncation(spec["max_seq_length"])
session = onnxruntime.InferenceSession(folder / "model.onnx")

ids = tokenizer.encode({review}).ids
mask = [1] * len(ids)
(scores,) = session.run(None, {{"input_ids": np.array([ids]), "attention_mask": np.array([mask])}})
print(dict(zip(spec["labels"], np.exp(scores[0]).tolist())))"""


@dataclass(frozen=True)
class Use:
    title: str
    text: str
    code: str


def uses_of(detail: VersionDetail) -> Sequence[Use]:
    """From the files. What asks an endpoint is part of the page’s API fold."""
    name = folder_of(detail)
    titled = "title" in detail.version.fields
    review = '"My title", "Runs small in the shoulders."' if titled else '"Runs small in the shoulders."'
    code = FROM_FILES.format(folder=name, archive=f"{name}.zip", review=review)
    return [
        Use(
            "Python, without this server",
            "Needs onnxruntime, tokenizers and numpy; no network, no GPU. Gives the very probabilities that "
            "an endpoint gives.",
            code,
        )
    ]


def folder_of(detail: VersionDetail) -> str:
    return f"{detail.model.name}-v{detail.version.number}"
