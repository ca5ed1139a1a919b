"""A document as modplural sees it: the white-listed fields and the harness's prompt, nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from model_wrappers.base.chat import text_of
from plural_tasks.schema import LABELS, MODES, VISIBLE_FIELDS, Mode
from plural_tasks.utils.errors import ModPluralError


@dataclass(frozen=True, eq=False)
class Query:
    """One document's requests.

    Attributes:
        task: Name of the task.
        doc_id: Position of the document in the task.
        item_id: The document's own id, or its position.
        mode: How it is to be answered.
        question: What a community is asked about.
        attribute: Point of view or population; "" where there is none.
        options: Texts of the declared options, in the order shown; empty for open questions and for tasks that are not
            modplural's.
        order: Place p holds the index, in the study's order, of the option that is shown p-th.
        asked: The options as communities see them, the same for all orders of a document.
        context: The harness's prompt (text or chat).
        positions: Positions of the document's requests in the list that the harness passed.
    """

    task: str
    doc_id: int
    item_id: str
    mode: Mode
    question: str
    attribute: str
    options: tuple[str, ...]
    order: tuple[int, ...]
    asked: tuple[str, ...]
    context: Any
    positions: tuple[int, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Letters of the options."""
        return LABELS[: len(self.options)]

    @property
    def text(self) -> str:
        """What the harness's prompt asks."""
        return text_of(self.context)


def read_queries(requests: Sequence[Any], *, mode: Mode | None, attribute: str | None) -> list[Query]:
    """Group the harness's requests by document.

    Args:
        requests: Instances whose first argument is the prompt.
        mode: The user's ``mode``; None takes the document's.
        attribute: The user's ``attribute``; None takes the document's.

    Raises:
        ModPluralError: If a document states no mode and the user gave none.
    """
    groups: dict[tuple[Any, ...], list[int]] = {}
    for place, request in enumerate(requests):
        key = (request.task_name, request.doc_id, str(request.args[0]))
        groups.setdefault(key, []).append(place)
    return [_read(requests[places[0]], tuple(places), mode, attribute) for places in groups.values()]


def _read(request: Any, positions: tuple[int, ...], mode: Mode | None, attribute: str | None) -> Query:
    context = request.args[0]
    seen = visible(request.doc)
    chosen = mode or seen.get("mode")
    if chosen is None:
        raise ModPluralError(
            f"task {request.task_name!r}: its documents state no mode. Give mode={'|'.join(MODES)} in --model_args."
        )
    options = tuple(seen.get("options", ()))
    return Query(
        task=str(request.task_name),
        doc_id=int(request.doc_id or 0),
        item_id=str(seen.get("id", request.doc_id)),
        mode=chosen,
        question=seen.get("question") or text_of(context),
        attribute=attribute if attribute is not None else seen.get("attribute", ""),
        options=options,
        order=tuple(seen.get("order", range(len(options)))),
        asked=tuple(seen.get("asked", options)),
        context=context,
        positions=positions,
    )


def visible(doc: Any) -> dict[str, Any]:
    """Return the white-listed fields of one of modplural's documents; nothing of any other document.

    A document is modplural's when it states a mode; other tasks use names such as ``question`` in ways of their own.
    """
    if not isinstance(doc, Mapping) or doc.get("mode") not in MODES:
        return {}
    return {name: doc[name] for name in VISIBLE_FIELDS if name in doc}
