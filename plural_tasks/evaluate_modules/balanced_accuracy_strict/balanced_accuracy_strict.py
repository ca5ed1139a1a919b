"""Balanced accuracy in which an unreadable answer is wrong and forms no class."""

from collections.abc import Sequence
from typing import Any

import evaluate

from plural_tasks.evaluate_modules.shared import label_info
from plural_tasks.metrics import balanced_accuracy


class BalancedAccuracyStrict(evaluate.Metric):
    """`plural_tasks.metrics.balanced_accuracy`."""

    def _info(self) -> Any:
        return label_info(__doc__)

    def _compute(
        self,
        predictions: Sequence[str | None],
        references: Sequence[str],
        sample_weight: Sequence[float] | None = None,
    ) -> dict[str, float]:
        return {"balanced_accuracy": balanced_accuracy(references, predictions, sample_weight)}
