"""The judges by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from plural_tasks.judges.base import Judge
from plural_tasks.judges.embedding import EmbeddingJudge
from plural_tasks.judges.lexical import LexicalJudge
from plural_tasks.judges.nli import NLIJudge
from plural_tasks.judges.scripted import ScriptedJudge
from plural_tasks.utils.errors import ModPluralError, unknown_name

JUDGES: dict[str, Callable[..., Judge]] = {
    "embedding": EmbeddingJudge,
    "lexical": LexicalJudge,
    "nli": NLIJudge,
    "scripted": ScriptedJudge,
}
"""Name -> what makes the judge; none of them loads torch before it is called."""


def load_judge(spec: str, **options: Any) -> Judge:
    """Return the judge that ``spec`` names.

    Args:
        spec: A name in `JUDGES`; or ``nli:CHECKPOINT`` or ``embedding:CHECKPOINT``, where a checkpoint is a folder or
            ``OWNER/NAME`` or ``OWNER/NAME@REVISION`` on the Hub; or a checkpoint alone, which ``nli`` judges with.
        **options: Passed to the judge: ``batch_size``, ``device``, ``dtype``, ``cache``, …

    Raises:
        ModPluralError: If nothing is called so, the judge does not take an option, or its checkpoint cannot be used.
    """
    spec = str(spec)  # the harness reads a bare number as a number
    name, colon, checkpoint = spec.partition(":")
    if name not in JUDGES and name and ("/" in spec or Path(spec).exists()):
        name, checkpoint = "nli", spec
    elif name not in JUDGES:
        raise unknown_name("judge", name, JUDGES, where="judge")
    valid = list(inspect.signature(JUDGES[name]).parameters)
    if colon or checkpoint:
        if "checkpoint" not in valid:
            raise ModPluralError(f"judge {spec!r}: {name} reads no checkpoint; give its name alone.")
        if not checkpoint:
            raise ModPluralError(f"judge {spec!r}: no checkpoint is named after the colon.")
        options["checkpoint"] = checkpoint
    for option in options:
        if not valid:
            raise ModPluralError(f"judge {name}: it takes no options, found {option!r}.")
        if option not in valid:
            raise unknown_name("option", option, valid, where=f"judge {name}")
    return JUDGES[name](**options)
