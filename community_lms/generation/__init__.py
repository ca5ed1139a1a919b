"""How messages are got: asked in batches, resumed, by several processes or over Ray."""
