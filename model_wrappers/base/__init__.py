"""The base LLM: built, asked, scored and written with; it knows no query, mode or method."""
