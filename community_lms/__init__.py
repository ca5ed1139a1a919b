"""Communities and pools as data, the engines that generate their messages, and the store that keeps them.

Importing this package loads neither torch nor transformers nor datasets.
"""
