"""Refusals to speak, known by their wordings in ``refusals.yaml``."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from plural_tasks.utils.checked import Checked, parse, read_yaml

REFUSALS = Path(__file__).resolve().parent / "refusals.yaml"


class _Refusals(Checked):
    opening: tuple[str, ...]
    anywhere: tuple[str, ...]


def refused(text: str) -> bool:
    """Tell whether a text refuses to speak, in one of the wordings of ``refusals.yaml``."""
    plain = " ".join(text.lower().replace("’", "'").split()).lstrip("\"'“*_ ")
    opening, anywhere = _patterns()
    return any(pattern.match(plain) for pattern in opening) or any(pattern.search(plain) for pattern in anywhere)


@cache
def _patterns() -> tuple[list[re.Pattern[str]], list[re.Pattern[str]]]:
    listed = parse(_Refusals, read_yaml(REFUSALS), where=str(REFUSALS))
    return [re.compile(one) for one in listed.opening], [re.compile(one) for one in listed.anywhere]
