"""What holds for all tests."""

import logging
import os
from collections.abc import Iterator

import pytest

# Consoles take their width from here and not from the terminal that the tests happen to run in.
os.environ["COLUMNS"] = "200"


@pytest.fixture(autouse=True)
def _answers_of_their_own(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test finds the answers of another, nor leaves any with the user."""
    place = tmp_path_factory.mktemp("answers") / "answers.sqlite"
    monkeypatch.setattr("community_lms.remote.account.default_answers_path", lambda: place)


@pytest.fixture(autouse=True)
def _loggers_stay_as_they_were() -> Iterator[None]:
    """Commands quieten loggers for their own process; the tests share one."""
    names = ("community_lms", "plural_tasks", "model_wrappers", "lm_eval")
    levels = {name: logging.getLogger(name).level for name in names}
    yield
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
