"""Examples to run from a clone; `python -m examples.demo` is the demonstration."""
