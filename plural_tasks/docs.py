"""Item -> document: the flat record that the harness iterates over, prompts from and scores."""

from __future__ import annotations

from typing import Any

from plural_tasks.schema import LABELS, DistributionalItem, Item, OvertonItem, SteerableItem


def to_doc(item: Item) -> dict[str, Any]:
    """Return the document of an item.

    The visible fields (`plural_tasks.schema.VISIBLE_FIELDS`) are the same for all modes; absent text is ``""``.
    ``labels`` are the letters of the options; every other field is gold or for reports.
    """
    if isinstance(item, OvertonItem):
        return {
            **_visible(item, "overton", (), ""),
            "values": [value.name for value in item.values],
            "explanations": [value.explanation for value in item.values],
        }
    if isinstance(item, SteerableItem):
        return {
            **_visible(item, "steerable", item.options, item.attribute),
            "gold": list(item.gold),
            "gold_distribution": list(item.gold_distribution or ()),
            "category": item.category,
            "target": item.gold[0],
        }
    return _distributional(item)


def _distributional(item: DistributionalItem) -> dict[str, Any]:
    shares = item.gold_distribution
    return {
        **_visible(item, "distributional", item.options, item.attribute),
        "gold_distribution": list(shares),
        "stratum": item.stratum,
        "target": max(range(len(shares)), key=shares.__getitem__),
    }


def _visible(item: Item, mode: str, options: tuple[str, ...], attribute: str) -> dict[str, Any]:
    return {
        "id": item.id,
        "mode": mode,
        "question": item.question,
        "attribute": attribute,
        "options": list(options),
        "labels": list(LABELS[: len(options)]),
    }
