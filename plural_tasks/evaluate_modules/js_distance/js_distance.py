"""Jensen-Shannon distance between predicted and reference distributions over the options of questions."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import evaluate

from plural_tasks.evaluate_modules.shared import distribution_info, mean_distance
from plural_tasks.metrics import js_distance


class JSDistance(evaluate.Metric):
    """Mean of `plural_tasks.metrics.js_distance`; 0..1 in base 2, the natural logarithm with ``base=math.e``."""

    def _info(self) -> Any:
        return distribution_info(__doc__)

    def _compute(
        self, predictions: Sequence[Sequence[float]], references: Sequence[Sequence[float]], base: float = 2.0
    ) -> dict[str, float]:
        return {"js_distance": mean_distance(partial(js_distance, base=base), predictions, references)}
