"""The network: a pre-trained encoder, the mean of its token states, one linear head.

The mean is what the bundled encoder was trained to give; the state of the first token, the usual choice,
was measured to learn far more slowly.

The head may have one output for each star instead of one for each label. Stars say more than labels do
(a 1 is not a 2), and a label's probability is the sum over its stars.

Rows thinned out or weighted by class teach shares that the world doesn't have. ``offsets`` puts back the
true ones, wholly or in part; it is part of the weights, so every use of the model has it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PretrainedConfig
from transformers.utils.logging import disable_progress_bar

from ml.training.encoders import Encoder

EMBEDDINGS = 0  # depth of the embeddings; layer n of the encoder has depth n + 1, the head the largest


@dataclass(frozen=True)
class Head:
    """``label_of`` maps each output of the head to a label id; ``names`` says what an output means."""

    kind: str
    names: tuple[str, ...]
    label_of: tuple[int, ...]
    labels: tuple[str, ...]

    @classmethod
    def of_labels(cls, labels: Sequence[str]) -> "Head":
        return cls("label", tuple(labels), tuple(range(len(labels))), tuple(labels))


class Classifier(nn.Module):
    def __init__(self, encoder: nn.Module, width: int, head: Head) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(width, len(head.names))
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)
        membership = torch.zeros(len(head.names), len(head.labels))
        membership[range(len(head.names)), head.label_of] = 1
        self.membership: Tensor
        self.register_buffer("membership", membership, persistent=False)
        self.offsets: Tensor
        self.register_buffer("offsets", torch.zeros(len(head.labels)))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Scores of the head's outputs, in float32 whatever the weights are kept in."""
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        present = attention_mask.unsqueeze(-1).to(states.dtype)
        mean = (states * present).sum(1) / present.sum(1)
        scores: Tensor = self.head(mean)
        return scores.float()

    def label_log_probabilities(self, scores: Tensor) -> Tensor:
        # A sum of exponentials inside the logarithm: no label's probability can round to zero.
        outputs = torch.log_softmax(scores, dim=-1).unsqueeze(-1)
        hidden = torch.where(self.membership > 0, 0.0, -1e4)
        summed = torch.logsumexp(outputs + hidden, dim=1)
        return torch.log_softmax(summed + self.offsets.float(), dim=-1)

    def depth(self, name: str) -> int:
        """How far above the input a parameter stands; layer-wise decay and freezing go by it."""
        if name.startswith("head."):
            return self.layers + 1
        number = next((part for part in name.split(".") if part.isdigit()), None)
        return EMBEDDINGS if number is None else int(number) + 1

    @property
    def layers(self) -> int:
        return int(cast(PretrainedConfig, self.encoder.config).num_hidden_layers)

    def freeze(self, layers: int, *, everything: bool) -> None:
        """Keep the embeddings and the lowest ``layers`` layers, or the whole encoder, as they came.

        However many layers are asked for, the topmost one learns: only ``everything`` leaves the head alone.
        """
        highest = min(layers, self.layers - 1)
        for name, parameter in self.named_parameters():
            lowest = everything or (layers > 0 and self.depth(name) <= highest)
            parameter.requires_grad_(not (lowest and not name.startswith("head.")))

    def trainable(self) -> Iterator[tuple[str, nn.Parameter]]:
        return ((name, parameter) for name, parameter in self.named_parameters() if parameter.requires_grad)


def build_classifier(encoder: Encoder, head: Head, dropout: float) -> Classifier:
    """Dropout costs a fifth of the CPU time of a step, so short recipes go without."""
    disable_progress_bar()  # type: ignore[no-untyped-call]  # its carriage returns make a log unreadable
    config = AutoConfig.from_pretrained(encoder.directory, trust_remote_code=False)
    # Plain matmul attention: in bfloat16 on CPU it was measured faster than the fused kernel.
    network = AutoModel.from_pretrained(
        encoder.directory,
        attn_implementation="eager",
        trust_remote_code=False,
        use_safetensors=True,
        **_dropout(config, dropout),
    )
    network.pooler = None  # DistilBERT and others never had one
    return Classifier(network, int(config.hidden_size), head)


def _dropout(config: Any, rate: float) -> dict[str, float]:
    # DistilBERT has names of its own; the other supported types share one pair.
    names = ("hidden_dropout_prob", "attention_probs_dropout_prob", "dropout", "attention_dropout")
    return {name: rate for name in names if hasattr(config, name)}
