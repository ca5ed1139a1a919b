"""Agreement of predicted labels with gold labels, class by class; an unreadable answer is wrong and forms no class."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def balanced_accuracy(
    gold: Sequence[Hashable], predicted: Sequence[Hashable | None], weights: Sequence[float] | None = None
) -> float:
    """Mean over the classes that occur in ``gold`` of the share of their rows that were predicted right (recall).

    Args:
        gold: True labels, one for each row.
        predicted: Predicted labels; None, or a label that is in no gold row, is wrong.
        weights: Weight of each row, non-negative; 1 each by default. A row asked in k permutations of its options
            enters k times with the weight 1/k.

    Returns:
        A number in 0..1; NaN when no row has weight.

    Raises:
        ValueError: If the lengths differ.
    """
    from sklearn.metrics import recall_score

    gold, predicted, weights = _weighed(gold, predicted, weights)
    classes = list(dict.fromkeys(gold))
    if not classes:
        return math.nan
    codes, guesses = _encode(gold, predicted, classes)
    return float(recall_score(codes, guesses, labels=range(len(classes)), average="macro", sample_weight=weights))


def macro_f1(
    gold: Sequence[Hashable],
    predicted: Sequence[Hashable | None],
    labels: Sequence[Hashable],
    weights: Sequence[float] | None = None,
) -> float:
    """Mean over ``labels`` of F1 = 2 TP / (2 TP + FP + FN).

    A label that occurs neither in ``gold`` nor in ``predicted`` has no F1 and is left out of the mean; one that is
    predicted but never true has an F1 of 0.

    Args:
        gold: True labels, one for each row, all among ``labels``.
        predicted: Predicted labels; None, or anything that is not among ``labels``, is wrong and forms no class.
        labels: The true label set, whether or not all of it occurs.
        weights: Weight of each row, as for `balanced_accuracy`.

    Returns:
        A number in 0..1; NaN when no row has weight.

    Raises:
        ValueError: If the lengths differ, or a gold label is not among ``labels``.
    """
    from sklearn.metrics import f1_score

    gold, predicted, weights = _weighed(gold, predicted, weights)
    classes = list(dict.fromkeys(labels))
    strange = [label for label in gold if label not in classes]
    if strange:
        raise ValueError(f"gold label {strange[0]!r} is not among the labels {classes}")
    if not gold:
        return math.nan
    codes, guesses = _encode(gold, predicted, classes)
    scores = f1_score(
        codes, guesses, labels=range(len(classes)), average="macro", sample_weight=weights, zero_division=math.nan
    )
    return float(scores)


def _weighed(
    gold: Sequence[Hashable], predicted: Sequence[Hashable | None], weights: Sequence[float] | None
) -> tuple[list[Hashable], list[Hashable | None], list[float]]:
    """The rows that have weight, after a check of the lengths."""
    weights = [1.0] * len(gold) if weights is None else list(weights)
    if not len(gold) == len(predicted) == len(weights):
        raise ValueError(
            f"{len(gold)} gold labels, {len(predicted)} predictions and {len(weights)} weights do not pair"
        )
    if any(not 0.0 <= weight < math.inf for weight in weights):
        raise ValueError("a weight is negative or not finite")
    kept = [row for row in zip(gold, predicted, weights, strict=True) if row[2] > 0.0]
    return [row[0] for row in kept], [row[1] for row in kept], [row[2] for row in kept]


def _encode(
    gold: Sequence[Hashable], predicted: Sequence[Hashable | None], classes: Sequence[Hashable]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions among ``classes``; whatever is not there becomes one more number, over which no score is taken."""
    import numpy as np

    place = {label: index for index, label in enumerate(classes)}
    return (
        np.array([place[label] for label in gold], dtype=np.int64),
        np.array([place.get(label, len(classes)) for label in predicted], dtype=np.int64),
    )
