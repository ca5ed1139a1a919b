"""The class that ``evaluate`` loads; importing this file loads ``evaluate``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import datasets
import evaluate

from plural_tasks.evaluate_modules.modules import CITATION, INPUTS, Inputs, find

_SHARES = datasets.Sequence(datasets.Value("float64"))
_TEXT = datasets.Value("string")
_FEATURES: Mapping[Inputs, dict[str, Any]] = {
    "distributions": {"predictions": _SHARES, "references": _SHARES},
    "labels": {"predictions": _TEXT, "references": _TEXT},
    "answers": {"predictions": _TEXT, "references": datasets.Sequence(_TEXT)},
}


def metric_class(name: str) -> type[Any]:
    """Make the subclass of ``evaluate.Metric`` of a module.

    Args:
        name: One of `plural_tasks.evaluate_modules.MODULES`.

    Raises:
        ModPluralError: If no module is called so.
    """
    module = find(name)

    def info(self: Any) -> Any:
        return evaluate.MetricInfo(
            description=f"{module.description} {module.remarks}",
            citation=CITATION,
            inputs_description=INPUTS[module.inputs],
            features=datasets.Features(_FEATURES[module.inputs]),
        )

    def compute(self: Any, **inputs: Any) -> dict[str, float]:
        return module.compute(**inputs)

    return type(name, (evaluate.Metric,), {"__doc__": module.description, "_info": info, "_compute": compute})
