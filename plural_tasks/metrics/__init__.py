"""Pure functions on numbers and text; no model, no file."""

from plural_tasks.metrics.classification import balanced_accuracy, macro_f1
from plural_tasks.metrics.coverage import (
    contradiction_rate,
    coverage_per_sentence,
    is_covered,
    mean_coverage,
    value_coverage,
)
from plural_tasks.metrics.divergence import entropy, js_distance, normalise, tv_distance, wasserstein
from plural_tasks.metrics.groups import GroupFigure, by_group, worst_group
from plural_tasks.metrics.lexical import lexical_coverage
from plural_tasks.metrics.parsing import ReadAnswer, parse_choice, read_answer
from plural_tasks.metrics.percentages import StatedPercentages, read_percentages
from plural_tasks.metrics.splitting import sentences
from plural_tasks.metrics.uncertainty import (
    Difference,
    clustered_bootstrap,
    clustered_interval,
    clustered_se,
    effective_clusters,
    paired_difference,
)

__all__ = [
    "Difference",
    "GroupFigure",
    "ReadAnswer",
    "StatedPercentages",
    "balanced_accuracy",
    "by_group",
    "clustered_bootstrap",
    "clustered_interval",
    "clustered_se",
    "contradiction_rate",
    "coverage_per_sentence",
    "effective_clusters",
    "entropy",
    "is_covered",
    "js_distance",
    "lexical_coverage",
    "macro_f1",
    "mean_coverage",
    "normalise",
    "paired_difference",
    "parse_choice",
    "read_answer",
    "read_percentages",
    "sentences",
    "tv_distance",
    "value_coverage",
    "wasserstein",
    "worst_group",
]
