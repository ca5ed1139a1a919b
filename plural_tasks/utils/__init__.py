"""What every package leans on: errors, checked input, files, secrets, SQLite, the Hub client, progress."""
