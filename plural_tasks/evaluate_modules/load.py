"""Make a module in this process."""

from __future__ import annotations

from typing import Any


def load(name: str, **options: Any) -> Any:
    """Make a module without a script and without the Hub.

    Args:
        name: One of `plural_tasks.evaluate_modules.MODULES`.
        **options: Options of ``evaluate.EvaluationModule`` (``experiment_id``, ``keep_in_memory``, …).

    Returns:
        An ``evaluate.EvaluationModule``.

    Raises:
        ModPluralError: If no module is called so.
    """
    from plural_tasks.evaluate_modules.metric import metric_class  # loads the library evaluate

    return metric_class(name)(**options)
