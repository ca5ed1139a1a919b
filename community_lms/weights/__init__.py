"""Model weights: the embedded ones, local paths, and the precision of the arithmetic."""
