"""Runs before they are made: which tasks, what will be asked, what it will cost, several in one go."""
