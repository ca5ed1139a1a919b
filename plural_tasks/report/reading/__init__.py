"""Runs of the harness, read back from their results files and samples."""
