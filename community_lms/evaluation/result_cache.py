"""Results on disk, used again while the inputs that they were made from are the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from community_lms.pools.spec import digest
from plural_tasks.utils.checked import read_json
from plural_tasks.utils.errors import ModPluralError
from plural_tasks.utils.files import json_ready, write_json

VERSION = 1
"""Raised when the same inputs would give another result."""


class ResultCache:
    """A folder of results, one file each, named by the digest of its inputs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.reused: list[str] = []

    def get(self, part: str, inputs: dict[str, Any], make: Callable[[], Any]) -> Any:
        """Return the result of ``make`` as plain JSON, from the folder where it is there.

        Args:
            part: Kind of the result, for the file's name.
            inputs: Plain JSON that decides the result.
            make: Called when there is no result yet.
        """
        whole = json_ready({"version": VERSION, "part": part, **inputs})
        path = self._folder / f"{part}-{digest(whole)[:20]}.json"
        found = self._found(path, whole)
        if found is not None:
            self.reused.append(part)
            return found["result"]
        result = json_ready(make())
        write_json(path, {"inputs": whole, "result": result})
        return result

    @staticmethod
    def _found(path: Path, inputs: Any) -> Any:
        try:
            kept = read_json(path) if path.is_file() else None
        except ModPluralError:  # not one of ours, or broken: made anew
            return None
        return kept if isinstance(kept, dict) and kept.get("inputs") == inputs and "result" in kept else None
