"""Runs set side by side: whether they may be compared, differences with intervals, agreement of elicitation routes."""
