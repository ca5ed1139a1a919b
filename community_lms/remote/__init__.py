"""Models behind APIs: requests are repeated and paid out of a budget, and every answer is kept the moment it comes."""
