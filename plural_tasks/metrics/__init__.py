"""Pure functions on numbers and text; no model, no file."""

from plural_tasks.metrics.divergence import js_distance, normalise
from plural_tasks.metrics.lexical import lexical_coverage, sentences
from plural_tasks.metrics.parsing import parse_choice

__all__ = ["js_distance", "lexical_coverage", "normalise", "parse_choice", "sentences"]
