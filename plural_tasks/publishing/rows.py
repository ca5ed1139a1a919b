"""Item <-> row of a published data set: the fields, their types, and the digest of a list of rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from plural_tasks.docs import to_doc
from plural_tasks.schema import MODES, DistributionalItem, Item, Mode, OvertonItem, SteerableItem
from plural_tasks.utils.checked import parse
from plural_tasks.utils.errors import unknown_name

if TYPE_CHECKING:
    from datasets import Features

MODELS: dict[Mode, type[OvertonItem] | type[SteerableItem] | type[DistributionalItem]] = {
    "overton": OvertonItem,
    "steerable": SteerableItem,
    "distributional": DistributionalItem,
}


@dataclass(frozen=True)
class Field:
    """A column: its name, its type as the data card prints it, the modes that have it, and what it means."""

    name: str
    kind: str
    modes: tuple[Mode, ...]
    meaning: str


_CLOSED: tuple[Mode, ...] = ("steerable", "distributional")

FIELDS = (
    Field("id", "string", MODES, "Unique within its configuration."),
    Field("mode", "string", MODES, "`overton`, `steerable` or `distributional`."),
    Field("question", "string", MODES, "What is asked, in full; no options, no attribute."),
    Field("attribute", "string", _CLOSED, "Group or value as which to answer; empty where nobody is named."),
    Field("options", "list of string", _CLOSED, "Answers in the study's order."),
    Field("gold", "list of int32", ("steerable",), "Indices of the right options; several where they tie."),
    Field("gold_distribution", "list of float64", _CLOSED, "Share of the group that chose each option; may be null."),
    Field("sample_size", "int64", _CLOSED, "Number of respondents behind the shares; null where unknown."),
    Field("standard_errors", "list of float64", _CLOSED, "Standard error of each share; null where unknown."),
    Field("ordinal", "bool", _CLOSED, "The options, those of `dont_know` left out, stand in an order of degree."),
    Field("dont_know", "list of int32", _CLOSED, "Indices of the options that state no opinion."),
    Field("category", "string", ("steerable",), "What kind of group the attribute is; for reports."),
    Field("stratum", "string", ("distributional",), "Kind of item, for reports; it may give the gold away."),
    Field("values", "list of value", ("overton",), "Values, rights and duties: `name`, `explanation`, `kind`."),
    Field("cluster", "string", MODES, "Name of the question, shared by all items that ask it; for standard errors."),
    Field("study", "string", MODES, "Survey or collection behind the item; empty where there is only one."),
    Field("fault", "string", MODES, "Why the gold is known to be wrong; empty where it is not."),
)
"""Every column. Splits are by `cluster`: no question is in two of them."""


def fields_of(mode: Mode) -> list[Field]:
    """Return the columns that rows of a mode have, in order."""
    return [field for field in FIELDS if mode in field.modes]


def features(mode: Mode) -> Features:
    """Return the typed columns of a mode for `datasets`."""
    from datasets import Features, List, Value

    value = {"name": Value("string"), "explanation": Value("string"), "kind": Value("string")}

    def feature(kind: str) -> Any:
        inner = kind.removeprefix("list of ")
        made = value if inner == "value" else Value(inner)
        return made if inner == kind else List(made)

    return Features({field.name: feature(field.kind) for field in fields_of(mode)})


def to_row(item: Item) -> dict[str, Any]:
    """Return the row of an item; the split, which is not a column, goes with the file that the row is put in."""
    doc = to_doc(item)
    dumped = item.model_dump(mode="json") | {"mode": doc["mode"], "cluster": doc["cluster"]}
    return {field.name: dumped[field.name] for field in fields_of(doc["mode"])}


def from_row(row: Mapping[str, Any], split: str, *, where: str) -> Item:
    """Return the item of a row.

    Raises:
        ModPluralError: If the row is not one, naming place and field.
    """
    mode = row.get("mode")
    if mode not in MODELS:
        raise unknown_name("mode", mode, MODES, where=where)
    return parse(MODELS[mode], {name: row[name] for name in row if name != "mode"} | {"split": split}, where=where)


def digest(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return the SHA-256 of rows in their order, each as one line of JSON with sorted keys and no spaces.

    It depends on the content alone, not on the file format, so that two people can tell whether they hold the same
    data without showing it. (Not-a-numbers, which no item has, are spelt as Python does.)
    """
    sha = hashlib.sha256()
    for row in rows:
        line = json.dumps(row, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        sha.update(line.encode() + b"\n")
    return sha.hexdigest()
