"""Who is asked: communities and pools as data, engines that speak for them, and the store of what they said.

Importing this package loads neither torch nor transformers nor datasets.
"""
