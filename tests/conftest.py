"""What holds for all tests."""

import os

# Consoles take their width from here and not from the terminal that the tests happen to run in.
os.environ["COLUMNS"] = "200"
