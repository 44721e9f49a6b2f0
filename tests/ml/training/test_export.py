"""Every supported type of encoder leaves as ONNX and answers as before. Weights are random, sizes tiny."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from transformers import AutoConfig, AutoModel

from ml.training.batching import TokenRows
from ml.training.classifier import Classifier, Head
from ml.training.encoders import MODEL_TYPES
from ml.training.export import TOLERANCE, export_onnx

SIZES = {
    "vocab_size": 200,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "pad_token_id": 1,
}
DISTILBERT = {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64, "vocab_size": 200, "pad_token_id": 1}
STARS = Head("stars", ("1", "2", "3", "4", "5"), (0, 0, 1, 2, 2), ("-1", "0", "1"))


def rows() -> TokenRows:
    generator = np.random.default_rng(0)
    lists = [generator.integers(5, 200, length).tolist() for length in (3, 9, 40, 5, 77, 12, 30, 8, 8, 61)]
    return TokenRows.of(pa.chunked_array([pa.array(lists)]), pad_id=1)


def classifier_of(kind: str) -> Classifier:
    config = AutoConfig.for_model(kind, **(DISTILBERT if kind == "distilbert" else SIZES))
    torch.manual_seed(1)
    encoder = AutoModel.from_config(config, attn_implementation="eager")
    encoder.pooler = None
    classifier = Classifier(encoder, 32, STARS)
    torch.nn.init.normal_(classifier.head.weight)
    classifier.offsets.copy_(torch.tensor([0.3, -0.2, 1.0]))
    return classifier.eval()


@pytest.mark.parametrize("kind", MODEL_TYPES)
def test_the_export_answers_as_the_network(kind: str, tmp_path: Path) -> None:
    assert export_onnx(classifier_of(kind), rows(), tmp_path / "model.onnx") < TOLERANCE


def test_stars_are_summed_to_labels_and_the_offsets_added() -> None:
    classifier = classifier_of("bert")
    scores = torch.log(torch.tensor([[0.1, 0.2, 0.3, 0.15, 0.25]]))
    classifier.offsets.zero_()
    assert classifier.label_log_probabilities(scores).exp()[0].tolist() == pytest.approx([0.3, 0.3, 0.4])
    classifier.offsets.copy_(torch.log(torch.tensor([2.0, 1.0, 1.0])))
    found = classifier.label_log_probabilities(scores).exp()[0].tolist()
    assert found == pytest.approx([0.6 / 1.3, 0.3 / 1.3, 0.4 / 1.3])


def test_frozen_layers_are_the_lowest_and_the_topmost_always_learns() -> None:
    classifier = classifier_of("bert")
    classifier.freeze(9, everything=False)
    learning = {name for name, _ in classifier.trainable()}
    assert any(name.startswith("encoder.encoder.layer.1.") for name in learning)
    assert not any(".layer.0." in name or "embeddings" in name for name in learning)
    classifier.freeze(0, everything=True)
    assert {name for name, _ in classifier.trainable()} == {"head.weight", "head.bias"}
