"""Comparisons as Markdown, CSV or JSON tables."""
