"""What communities said: a message and the request it answers, the store, its exchange format."""
