"""Runs with a community more or less in the pool, and the groups that this serves better or worse."""
