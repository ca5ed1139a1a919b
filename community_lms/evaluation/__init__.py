"""Measurements of community LMs: perplexity of held-out texts, agreement with surveys, distinctness, message faults.

Importing this package loads neither torch nor transformers nor datasets.
"""
