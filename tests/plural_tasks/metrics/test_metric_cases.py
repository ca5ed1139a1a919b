"""Cases worked by hand, kept as data: every file of cases/ is read, every case is called.

A case has a name, a function (below plural_tasks), its inputs by name, the expected result with an absolute tolerance,
or a part of the expected error message, and the arithmetic as a comment. "NaN" and "Infinity" stand for these numbers;
where a function takes groups, three numbers in a list are a group's n, mean and standard error.
"""

import dataclasses
import importlib
import json
import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from plural_tasks.metrics import GroupFigure
from tests.every import every

CASES = Path(__file__).parent / "cases"
FIELDS = {"name", "function", "inputs", "comment"}


def _read(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse)


def _refuse(literal: str) -> None:
    raise ValueError(f"{literal} is no JSON")


ALL = {f"{path.stem}-{case['name']}": case for path in sorted(CASES.glob("*.json")) for case in _read(path)}


def numbers(value: Any) -> Any:
    if isinstance(value, str) and value in ("NaN", "Infinity", "-Infinity"):
        return float(value)
    if isinstance(value, list):
        return [numbers(part) for part in value]
    return {name: numbers(part) for name, part in value.items()} if isinstance(value, dict) else value


def function(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(f"plural_tasks.{module}"), attribute)


def same(found: Any, expected: Any, tolerance: float) -> bool:
    """Equal, numbers up to ``tolerance``; a record equals a mapping of its fields."""
    if dataclasses.is_dataclass(found):
        found = dataclasses.asdict(found)
    if isinstance(expected, bool) or expected is None or isinstance(expected, str):
        return found is expected or (isinstance(expected, str) and found == expected)
    if isinstance(expected, int | float):
        number = isinstance(found, int | float) and not isinstance(found, bool)
        return number and (abs(found - expected) <= tolerance or (math.isnan(found) and math.isnan(expected)))
    if isinstance(expected, dict):
        return (
            isinstance(found, Mapping)
            and found.keys() == expected.keys()
            and all(same(found[name], part, tolerance) for name, part in expected.items())
        )
    return (
        isinstance(found, list | tuple)
        and len(found) == len(expected)
        and all(same(one, other, tolerance) for one, other in zip(found, expected, strict=True))
    )


@pytest.mark.parametrize("case", ALL.values(), ids=ALL)
def test_case(case: dict[str, Any]) -> None:
    inputs = numbers(case["inputs"])
    if "figures" in inputs:
        inputs["figures"] = {name: GroupFigure(*figure) for name, figure in inputs["figures"].items()}
    if "error" in case:
        with pytest.raises(ValueError, match=case["error"]):
            function(case["function"])(**inputs)
        return
    found = function(case["function"])(**inputs)
    assert same(found, numbers(case["expected"]), case["tolerance"]), f"found {found!r}; {case['comment']}"


def test_every_case_is_whole() -> None:
    def check(case: dict[str, Any]) -> None:
        outcome = {"error"} if "error" in case else {"expected", "tolerance"}
        assert case.keys() == FIELDS | outcome
        assert case["comment"]

    every(ALL.items(), check)


def test_names_are_unique_within_a_file() -> None:
    for path in CASES.glob("*.json"):
        names = Counter(case["name"] for case in _read(path))
        assert max(names.values()) == 1, f"{path.name}: {names.most_common(1)}"


@pytest.mark.parametrize(
    ("found", "expected", "equal"),
    [
        (1.0, 1.05, False),
        (1.0, 1.0 + 1e-9, True),
        (math.nan, 1.0, False),
        (1.0, math.nan, False),
        (math.nan, math.nan, True),
        ([1.0], [1.0, 2.0], False),
        ((1.0, 2.0), [1.0, 2.0], True),
        ({"a": 1.0}, {"b": 1.0}, False),
        ({"a": 1.0, "b": 2.0}, {"a": 1.0}, False),
        (True, 1, False),
        (1, True, False),
        (0, None, False),
        ("A", "B", False),
        ([], None, False),
    ],
)
def test_the_runner_tells_results_apart(found: Any, expected: Any, equal: bool) -> None:
    assert same(found, expected, 1e-6) is equal
