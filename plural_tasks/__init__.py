"""Items, sources, task documents and metrics: the questions, and how answers to them are scored.

This package knows no model. Importing it loads neither torch nor transformers nor datasets.
"""

__version__ = "0.1.0"
