"""Does a community LM speak for its community? What it reads best, what it answers, how it differs, what it says.

Importing this package loads neither torch nor transformers nor datasets.
"""
