"""AdamW for weights of low precision: it keeps each of them in float32 too, and that is what it moves.

bfloat16 has eight bits: a step smaller than about 1/512 of a weight is rounded away. With the learning rates at the end
of a schedule all steps are, and an adapter that is moved in bfloat16 stops learning there (Micikevicius et al. 2018,
arXiv 1710.03740, section 3.1, have the remedy).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch


class MasterAdamW(torch.optim.AdamW):
    """AdamW on float32 copies ("master weights"); after each step the model's weights are the copies, rounded.

    The copies are part of the optimiser's state, so that a resumed run goes on from them and not from what was rounded.
    """

    def __init__(self, params: Iterable[dict[str, Any]], **settings: Any) -> None:
        """Copy the weights of all groups.

        Args:
            params: Groups of weights, as any torch optimiser takes them.
            **settings: Settings of `torch.optim.AdamW`.
        """
        groups = [{**group, "params": list(group["params"])} for group in params]
        self._weights: list[torch.Tensor] = [weight for group in groups for weight in group["params"]]
        super().__init__(
            [{**group, "params": [weight.detach().float().clone() for weight in group["params"]]} for group in groups],
            **settings,
        )

    def _masters(self) -> list[torch.Tensor]:
        return [master for group in self.param_groups for master in group["params"]]

    def step(self, closure: Any = None) -> Any:
        """Move the copies by the gradients of the model's weights, and round them into these."""
        masters = self._masters()
        for master, weight in zip(masters, self._weights, strict=True):
            master.grad = None if weight.grad is None else weight.grad.float()
        loss = super().step(closure)
        self._round(masters)
        return loss

    def _round(self, masters: list[torch.Tensor]) -> None:
        with torch.no_grad():
            for master, weight in zip(masters, self._weights, strict=True):
                weight.copy_(master)
                master.grad = None

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of the model's weights."""
        for weight in self._weights:
            if set_to_none:
                weight.grad = None
            elif weight.grad is not None:
                weight.grad.zero_()

    def state_dict(self) -> dict[str, Any]:
        """AdamW's state, and the copies under ``masters``."""
        return {**super().state_dict(), "masters": [master.detach() for master in self._masters()]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over state and copies, and round the copies into the model's weights."""
        super().load_state_dict({name: value for name, value in state_dict.items() if name != "masters"})
        masters = self._masters()
        with torch.no_grad():
            for master, kept in zip(masters, state_dict["masters"], strict=True):
                master.copy_(kept)
        self._round(masters)
