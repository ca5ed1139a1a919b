"""Where model weights lie: embedded ones, local paths, and the precision they are computed in."""
