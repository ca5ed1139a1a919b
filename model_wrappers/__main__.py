"""``python -m model_wrappers`` is the ``modplural`` command."""

from model_wrappers.cli import main

if __name__ == "__main__":
    main()
