"""What makes real runs of the harness quick."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session", autouse=True)
def _built_in_tasks_are_indexed_once() -> Iterator[None]:
    """For every run the harness reads its 14,000 task files twice, which takes most of a small run's time."""
    from lm_eval.tasks import _index

    build, built_in = _index.TaskIndex.build, Path(_index.__file__).parent
    index_of_built_in = cache(lambda resolve_includes: build([built_in], resolve_includes=resolve_includes))

    def build_once(paths: Iterable[Path], *, resolve_includes: bool = True) -> dict[str, Any]:
        folders = list(paths)
        if folders[:1] != [built_in]:
            return build(folders, resolve_includes=resolve_includes)
        index = index_of_built_in(resolve_includes)
        copied = {name: replace(entry, tags=set(entry.tags)) for name, entry in index.items()}
        return copied | build(folders[1:], resolve_includes=resolve_includes)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(_index.TaskIndex, "build", staticmethod(build_once))
        yield
