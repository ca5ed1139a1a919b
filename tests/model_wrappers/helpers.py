"""Requests, models and sessions made by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from community_lms.engines.scripted import ScriptedEngine
from model_wrappers.cli import main

if TYPE_CHECKING:
    from model_wrappers.base.scripted import ScriptedLM
    from model_wrappers.lm import ModPluralLM

METHOD_NAMES = ("vanilla", "prompting", "moe", "modplural")
MODE_NAMES = ("overton", "steerable", "distributional")
POOL = """
name: pair
backbone: embedded
communities:
  - {name: left, description: the left bank, persona: You live on the left bank.}
  - {name: right, description: the right bank, persona: You live on the right bank.}
"""


def run_harness(arguments: Sequence[str]) -> None:
    """``modplural eval`` with these arguments, in this process; leaves with the exit status if that is not 0."""
    try:
        main(["eval", *arguments])
    except SystemExit as left:
        if left.code:
            raise


def doc(mode: str, number: int = 0, **changes: Any) -> dict[str, Any]:
    """A document as `plural_tasks.docs.to_doc` makes it."""
    options = [] if mode == "overton" else ["Yes", "No", "Both"]
    made = {
        "id": f"{mode}-{number}",
        "mode": mode,
        "question": f"Should bridge {number} be built?",
        "attribute": "ferrymen" if mode != "overton" else "",
        "options": options,
        "labels": ["A", "B", "C"][: len(options)],
        "gold_distribution": [0.7, 0.2, 0.1],
        "gold": [0],
        "values": ["Trade"],
        "explanations": ["A bridge helps trade."],
        "target": 0,
    }
    return {**made, **changes}


def requests(
    documents: Sequence[dict[str, Any]], kind: str, context: Callable[[dict[str, Any]], Any] | None = None
) -> list[Any]:
    """The harness's requests for documents: one each for generation, one for each label for scoring."""
    from lm_eval.api.instance import Instance

    made: list[Any] = []
    for number, document in enumerate(documents):
        prompt = context(document) if context else f"Question: {document['question']}\nAnswer:"
        if kind == "generate_until":
            arguments: list[tuple[Any, ...]] = [(prompt, {"until": ["\n"], "max_gen_toks": 5})]
        elif kind == "loglikelihood_rolling":
            arguments = [(prompt,)]
        else:
            arguments = [(prompt, f" {label}") for label in document["labels"] or ["A", "B"]]
        for index, pair in enumerate(arguments):
            made.append(Instance(kind, document, pair, index, (f"task_{document['mode']}", number, 1)))
    return made


def model(
    tmp_path: Any, *, base: ScriptedLM | None = None, script: dict[str, list[str]] | None = None, **arguments: Any
) -> tuple[ModPluralLM, ScriptedLM, ScriptedEngine]:
    """A modplural over a scripted base LLM and a scripted engine; the pool has two communities, left and right."""
    from model_wrappers.base.scripted import ScriptedLM
    from model_wrappers.lm import ModPluralLM

    pool = tmp_path / "pair.yaml"
    pool.write_text(POOL)
    base = base if base is not None else ScriptedLM()
    settings = {
        "pool": str(pool),
        "messages": "none",
        "message_engine": "scripted",
        "selection": "generate",
        **arguments,
    }
    lm = ModPluralLM(base=base, **settings)
    engine = ScriptedEngine(script=script)
    lm.session.communities.asker.engines["scripted"] = engine
    lm.session.communities.asker.show_progress = False
    return lm, base, engine
