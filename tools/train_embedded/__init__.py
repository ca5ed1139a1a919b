"""Make and train the embedded pools and the embedded base's reader; ``python -m tools.train_embedded``."""
