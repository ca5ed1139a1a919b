"""Wasserstein distance between predicted and reference distributions over options in an order of degree."""

from collections.abc import Sequence
from typing import Any

import evaluate

from plural_tasks.evaluate_modules.shared import distribution_info, mean_distance
from plural_tasks.metrics import wasserstein


class Wasserstein(evaluate.Metric):
    """Mean of `plural_tasks.metrics.wasserstein`: the options stand equally spaced from 0 to 1."""

    def _info(self) -> Any:
        return distribution_info(__doc__)

    def _compute(
        self, predictions: Sequence[Sequence[float]], references: Sequence[Sequence[float]]
    ) -> dict[str, float]:
        return {"wasserstein": mean_distance(wasserstein, predictions, references)}
