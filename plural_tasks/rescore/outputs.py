"""Outputs in the file format of the method's authors: their task files, filled in.

A JSON list of the task file's rows. Rows of distributional tasks and of OpinionQA carry ``pred_distribution``, those of
Value Kaleidoscope carry ``output``, the generated text.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plural_tasks.schema import DistributionalItem, Item, OvertonItem, SteerableItem
from plural_tasks.sources import SOURCES, Source, read_items
from plural_tasks.utils.checked import read_json
from plural_tasks.utils.errors import ModPluralError, unknown_name

_VITAL = "_vital"


@dataclass(frozen=True)
class Prediction:
    """A predicted distribution, with its row's item.

    Attributes:
        item: The question.
        gold: The row's gold shares, as the file has them.
        shares: Predicted shares over the options, non-negative and finite, not necessarily summing to 1.
        attribute: The row's attribute, as the file has it.
    """

    item: DistributionalItem | SteerableItem
    gold: tuple[float, ...]
    shares: tuple[float, ...]
    attribute: str


@dataclass(frozen=True)
class WrittenAnswer:
    """A generated text, with its row's item."""

    item: SteerableItem | OvertonItem
    text: str


Output = Prediction | WrittenAnswer


def output_source(task: str) -> Source:
    """Return the source behind a task whose outputs have the authors' format.

    Args:
        task: Name of the task, or of its source.

    Raises:
        ModPluralError: If no such task reads JSON lists from outside of the package.
    """
    known = {_task_name(name): source for name, source in SOURCES.items() if _is_list(source)}
    name = task if task in known else _task_name(task)
    if name not in known:
        raise unknown_name("task", task, known, where="--task")
    return known[name]


def read_outputs(path: Path, source: Source) -> list[Output]:
    """Read a file of outputs.

    Args:
        path: The file.
        source: What its rows are; see `output_source`.

    Returns:
        One output for each row, in file order: all `Prediction` or all `WrittenAnswer`.

    Raises:
        ModPluralError: If the file is not such a list, a row is not of this task, or its prediction is missing, of
            another length than its options, negative or not finite; names file, record and field.
    """
    items = read_items(source, path)
    outputs: list[Output] = []
    for number, (item, row) in enumerate(zip(items, read_json(path), strict=True), start=1):
        where = f"{path}, record {number} (id {row['id']!r})"
        try:
            outputs.append(_output(item, row))
        except KeyError as error:
            raise ModPluralError(f"{where}: field {error.args[0]!r} is missing; found {', '.join(row)}.") from error
        except ValueError as error:
            raise ModPluralError(f"{where}: {error}") from error
    return outputs


def with_attribute(outputs: Sequence[Output], text: str) -> list[Output]:
    """Keep the predictions whose attribute contains ``text``, as the published scorer's ``--attribute`` does.

    Raises:
        ModPluralError: If none does, or the outputs have no attribute.
    """
    attributes = {output.attribute for output in outputs if isinstance(output, Prediction)}
    kept: list[Output] = [output for output in outputs if isinstance(output, Prediction) and text in output.attribute]
    if not kept:
        raise unknown_name("attribute", text, attributes, where="--attribute")
    return kept


def _task_name(source: str) -> str:
    """The task of a source: ``plural_`` and its name, where VITAL stands in front of the mode."""
    return f"plural{_VITAL}_{source.replace(_VITAL, '', 1)}" if _VITAL in source else f"plural_{source}"


def _is_list(source: Source) -> bool:
    return source.rows is None and not source.embedded


def _output(item: Item, row: Mapping[str, Any]) -> Output:
    if isinstance(item, OvertonItem) or (isinstance(item, SteerableItem) and item.gold_distribution is None):
        return WrittenAnswer(item, _text(row["output"]))
    return Prediction(
        item=item,
        gold=tuple(row["gold_distribution"]),
        shares=_shares(row["pred_distribution"], len(item.options)),
        attribute=row["attribute"],
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(
            f"field 'output': found {value!r}, expected the generated text; has a model answered this row?"
        )
    return value


def _shares(values: object, n_options: int) -> tuple[float, ...]:
    field = "field 'pred_distribution'"
    if not isinstance(values, list):
        raise ValueError(f"{field}: found {values!r}, expected a list of shares; has a model answered this row?")
    if len(values) != n_options:
        raise ValueError(f"{field}: found {len(values)} shares, expected one for each of the {n_options} options.")
    for place, value in enumerate(values):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not 0.0 <= value < math.inf:
            raise ValueError(f"{field}: share {place + 1} is {value!r}, expected a finite number of at least 0.")
    return tuple(float(value) for value in values)
