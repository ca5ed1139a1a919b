"""What is asked and how it is scored: items, sources, task documents, metrics.

This package knows no model. Importing it loads neither torch nor transformers nor datasets.
"""

__version__ = "0.1.0"
