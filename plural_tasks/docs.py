"""Item -> document: the flat record that the harness iterates over, prompts from and scores."""

from __future__ import annotations

import hashlib
from typing import Any

from plural_tasks.schema import LABELS, DistributionalItem, Item, OvertonItem, SteerableItem


def to_doc(item: Item) -> dict[str, Any]:
    """Return the document of an item.

    The visible fields (`plural_tasks.schema.VISIBLE_FIELDS`) are the same for all modes; absent text is ``""``, an
    absent number ``None``. ``labels`` are the letters of the options; every other field is gold or for reports.
    ``cluster`` names the question, for standard errors.
    """
    common = {
        "cluster": item.cluster or _digest(item.question),
        "split": item.split,
        "study": item.study,
        "fault": item.fault,
    }
    if isinstance(item, OvertonItem):
        return {
            **_visible(item, "overton", ()),
            **common,
            "values": [value.name for value in item.values],
            "kinds": [value.kind for value in item.values],
            "explanations": [value.explanation for value in item.values],
        }
    return {**_closed(item), **common}


def _closed(item: SteerableItem | DistributionalItem) -> dict[str, Any]:
    shares = item.gold_distribution or ()
    doc = {
        **_visible(item, "steerable" if isinstance(item, SteerableItem) else "distributional", item.options),
        "gold_distribution": list(shares),
        "ordinal": item.ordinal,
        "dont_know": list(item.dont_know),
        "sample_size": item.sample_size,
        "standard_errors": list(item.standard_errors or ()),
    }
    if isinstance(item, SteerableItem):
        return {**doc, "gold": list(item.gold), "category": item.category, "target": item.gold[0]}
    return {**doc, "stratum": item.stratum, "target": max(range(len(shares)), key=shares.__getitem__)}


def _visible(item: Item, mode: str, options: tuple[str, ...]) -> dict[str, Any]:
    return {
        "id": item.id,
        "mode": mode,
        "question": item.question,
        "attribute": getattr(item, "attribute", ""),
        "options": list(options),
        "labels": list(LABELS[: len(options)]),
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
