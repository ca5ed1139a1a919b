"""An LLM judge of pairs of Overton answers."""
