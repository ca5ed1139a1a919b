"""The pure metrics as modules of the library ``evaluate``, for use outside of the harness.

    from plural_tasks import evaluate_modules

    metric = evaluate_modules.load("js_distance")                    # nothing is fetched
    metric.compute(predictions=[[0.7, 0.3]], references=[[0.5, 0.5]])

`push_modules` (``modplural data push-metrics OWNER``) publishes them, so that ``evaluate.load("OWNER/js_distance")``
works wherever modplural is installed.
"""

from plural_tasks.evaluate_modules.load import load
from plural_tasks.evaluate_modules.modules import MODULES, MetricModule
from plural_tasks.evaluate_modules.publish import module_files, push_modules, write_modules

__all__ = ["MODULES", "MetricModule", "load", "module_files", "push_modules", "write_modules"]
