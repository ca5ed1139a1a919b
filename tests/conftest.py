"""What holds for all tests."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# On models of two layers, threads that wait for one another on a busy machine cost a hundredfold. Read when torch is
# imported, here and in the processes that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Consoles take their width from here and not from the terminal that the tests happen to run in.
os.environ["COLUMNS"] = "200"


def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is marked ``own_process`` in an interpreter of its own, and fail with what it prints if it fails.

    Ctrl-C in a process that holds torch, OpenVINO and Ray beside each other, as one that runs all tests does, ended
    that process with a segmentation fault now and then.
    """
    if pyfuncitem.get_closest_marker("own_process") is None or os.environ.get("MODPLURAL_OWN_PROCESS"):
        return None
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", ""]
    done = subprocess.run(
        [*command, pyfuncitem.nodeid],
        cwd=pyfuncitem.config.rootpath,
        env={**os.environ, "MODPLURAL_OWN_PROCESS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return True


@pytest.fixture(autouse=True)
def _answers_of_their_own(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test finds the answers of another, nor leaves any with the user."""
    place = tmp_path_factory.mktemp("answers") / "answers.sqlite"
    monkeypatch.setattr("community_lms.remote.account.default_answers_path", lambda: place)


@pytest.fixture(scope="module")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A user's cache for the tests of a module: graphs of tiny models are no use to anyone after them."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


@pytest.fixture(autouse=True)
def _loggers_stay_as_they_were() -> Iterator[None]:
    """Commands quieten loggers for their own process; the tests share one."""
    names = ("community_lms", "plural_tasks", "model_wrappers", "lm_eval")
    levels = {name: logging.getLogger(name).level for name in names}
    yield
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
