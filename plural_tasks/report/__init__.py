"""Runs of the harness, read back: compared with each other and made into submissions.

Reading begins with `runs.read_runs`; `compare.compare` sets runs side by side, `render` writes the result as Markdown,
CSV or JSON, and `submission` makes the record that a leaderboard takes.
"""
