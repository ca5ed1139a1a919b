"""The record of a run that a leaderboard takes: its schema, what may be published, how it is sent."""
