"""Total variation distance between predicted and reference distributions over the options of questions."""

from collections.abc import Sequence
from typing import Any

import evaluate

from plural_tasks.evaluate_modules.shared import distribution_info, mean_distance
from plural_tasks.metrics import tv_distance


class TVDistance(evaluate.Metric):
    """Mean of `plural_tasks.metrics.tv_distance`, 0..1."""

    def _info(self) -> Any:
        return distribution_info(__doc__)

    def _compute(
        self, predictions: Sequence[Sequence[float]], references: Sequence[Sequence[float]]
    ) -> dict[str, float]:
        return {"tv_distance": mean_distance(tv_distance, predictions, references)}
