"""The trained network itself, back from a model's directory: what its export is compared with."""

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModel

from ml.features.composition import ReviewInput
from ml.features.tokenization import ReviewTokenizer
from ml.training.classifier import Classifier, Head


def _load(directory: Path, head: Head) -> Classifier:
    config = AutoConfig.from_pretrained(directory, trust_remote_code=False)
    network = AutoModel.from_config(config, attn_implementation="eager")  # type: ignore[no-untyped-call]
    network.pooler = None
    classifier = Classifier(network, int(config.hidden_size), head)
    classifier.load_state_dict(load_file(directory / "model.safetensors"))
    return classifier


@torch.no_grad()
def score_reviews(directory: Path, reviews: Sequence[tuple[str | None, str]]) -> list[dict[str, float]]:
    """Label probabilities of (title, text) by the trained network itself, without its export."""
    spec = json.loads((directory / "spec.json").read_text(encoding="utf-8"))
    outputs, labels = spec["head"], tuple(spec["labels"])
    head = Head(outputs["kind"], tuple(outputs["outputs"]), tuple(outputs["label_of"]), labels)
    classifier = _load(directory, head).eval()
    tokenizer = ReviewTokenizer(directory / "tokenizer.json", spec["fields"], spec["max_seq_length"])
    found = []
    for one in tokenizer.encode([ReviewInput(text, title) for title, text in reviews]):
        ids = torch.tensor([one.ids])
        scores = classifier.label_log_probabilities(classifier(ids, torch.ones_like(ids)))
        found.append(dict(zip(labels, scores[0].exp().tolist(), strict=True)))
    return found
