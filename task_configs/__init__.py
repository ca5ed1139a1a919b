"""Task YAML for lm-evaluation-harness, grouped by mode, and the prompt sets; no code."""
