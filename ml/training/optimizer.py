"""AdamW over float32 masters of the trainable weights.

In bfloat16 a step of 1e-5 on a weight of 1 is lost to rounding. So the network computes in bfloat16 and
the optimizer moves float32 copies, which are what a checkpoint and the final model hold.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from ml.training.classifier import Classifier

MAX_GRADIENT_NORM = 1.0
MOMENTS = ("exp_avg", "exp_avg_sq", "step")


class MasterAdamW:
    def __init__(
        self, classifier: Classifier, learning_rate: float, layer_decay: float, weight_decay: float
    ) -> None:
        self._weights = dict(classifier.trainable())
        self.masters = {name: parameter.detach().float().clone() for name, parameter in self._weights.items()}
        groups: dict[tuple[float, float], list[Tensor]] = {}
        top = classifier.layers + 1
        for name, master in self.masters.items():
            peak = learning_rate * layer_decay ** (top - classifier.depth(name))
            decay = weight_decay if master.ndim > 1 else 0.0  # biases and norms are not pulled to zero
            groups.setdefault((peak, decay), []).append(master)
        self._adam = torch.optim.AdamW(
            [
                {"params": masters, "lr": peak, "peak": peak, "weight_decay": decay}
                for (peak, decay), masters in groups.items()
            ],
            fused=True,
        )

    def step(self, share_of_peak: float) -> None:
        """Take the gradients the network has, move the masters, and copy them back into the network."""
        for group in self._adam.param_groups:
            group["lr"] = group["peak"] * share_of_peak
        for name, weight in self._weights.items():
            self.masters[name].grad = None if weight.grad is None else weight.grad.float()
            weight.grad = None
        torch.nn.utils.clip_grad_norm_(self.masters.values(), MAX_GRADIENT_NORM)
        self._adam.step()
        self._publish()

    def _publish(self) -> None:
        with torch.no_grad():
            for name, weight in self._weights.items():
                weight.copy_(self.masters[name])

    def tensors(self) -> dict[str, Tensor]:
        """Everything a checkpoint needs, as plain named tensors."""
        found = {f"weight/{name}": master for name, master in self.masters.items()}
        for name, master in self.masters.items():
            state = self._adam.state.get(master, {})
            found.update({f"{moment}/{name}": state[moment] for moment in MOMENTS if moment in state})
        return found

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        with torch.no_grad():
            for name, master in self.masters.items():
                master.copy_(tensors[f"weight/{name}"])
                if f"step/{name}" in tensors:
                    self._adam.state[master] = {
                        moment: tensors[f"{moment}/{name}"].to(master.device).clone() for moment in MOMENTS
                    }
        self._publish()
