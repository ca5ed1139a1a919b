"""A second base LLM on the same store: how many messages are asked for again."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.speed.findings import Claim, Finding
from benchmarks.speed.models import base_llm, consulting, task_requests
from benchmarks.speed.prompts import TASK
from benchmarks.speed.registry import Models
from benchmarks.speed.timing import Round, timed


@dataclass(frozen=True)
class Sizes:
    """How much is scored: documents, tokens of the longest message."""

    documents: int = 8
    tokens: int = 40


QUICK = Sizes(documents=1, tokens=3)


def measure(models: Models, sizes: Sizes) -> Finding:
    """Let two base LLMs answer the same documents, one after the other."""
    rounds, asked = dict[str, list[Round]](), dict[str, int]()
    with tempfile.TemporaryDirectory() as folder:
        for name, base in (("first base LLM", models.base), ("second base LLM", models.second_base)):
            lm = consulting(base_llm(base), models, Path(folder) / "messages.sqlite", sizes.tokens)
            requests = task_requests(TASK, lm, sizes.documents)

            def answer(lm: object = lm, requests: list[object] = requests) -> float:
                lm.loglikelihood(requests)  # type: ignore[attr-defined]
                return sizes.documents

            rounds[name] = [timed(answer)]
            asked[name] = lm.session.communities.asker.counts.generated
    return Finding(
        title="A second base LLM",
        unit="documents",
        rounds=rounds,
        figures={"messages_asked": asked},
        claims=[
            Claim("messages asked for by a second base LLM", asked["second base LLM"], 0, "at most", "messages"),
        ],
        notes=[
            f"The first asks {asked['first base LLM']} messages; its time has the start of the message engine in it. "
            "One round: the second time nothing would be asked.",
        ],
    )
