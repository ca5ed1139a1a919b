"""Runs of the harness: read back (`reading`), compared (`comparing`), printed (`tables`), submitted (`submission`)."""
