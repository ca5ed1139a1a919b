"""Macro-F1 over the true label set, in which an unreadable answer is wrong and forms no class."""

from collections.abc import Sequence
from typing import Any

import evaluate

from plural_tasks.evaluate_modules.shared import label_info
from plural_tasks.metrics import macro_f1
from plural_tasks.utils.errors import ModPluralError


class MacroF1Strict(evaluate.Metric):
    """`plural_tasks.metrics.macro_f1`; ``labels`` is the true label set."""

    def _info(self) -> Any:
        return label_info(__doc__)

    def _compute(
        self,
        predictions: Sequence[str | None],
        references: Sequence[str],
        labels: Sequence[str] | None = None,
        sample_weight: Sequence[float] | None = None,
    ) -> dict[str, float]:
        if labels is None:
            raise ModPluralError(
                "macro_f1_strict: labels is missing; give compute(…, labels=[…]) all labels that an answer may have, "
                "whether or not they occur."
            )
        return {"macro_f1": macro_f1(references, predictions, labels, sample_weight)}
