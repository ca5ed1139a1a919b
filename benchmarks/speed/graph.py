"""The engine ``openvino`` without modplural: all that this package knows of the inside of `openvino_backbone`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any
from unittest.mock import patch

from benchmarks.speed.models import LOW
from community_lms.engines import openvino_reader
from community_lms.engines.chat_text import render
from community_lms.engines.lora_matrices import read_matrices
from community_lms.engines.openvino_backbone import Backbone
from community_lms.messages.message import MessageRequest


class Graph:
    """A compiled backbone that speaks for one community."""

    def __init__(self, requests: Sequence[MessageRequest], *, counted: bool = False) -> None:
        """Compile it, or take it from the cache of graphs.

        Args:
            requests: Of one community.
            counted: Let OpenVINO count the time of every operator.
        """
        community = requests[0].community
        assert community.adapter is not None
        assert community.backbone is not None
        self._requests = list(requests)
        self.backbone = community.backbone.path
        with _counting() if counted else nullcontext():
            self._backbone = Backbone(community.backbone, low=LOW, whole=not LOW)
            self._backbone.set_adapter(read_matrices(community.adapter))
        tokenizer = self._backbone.tokenizer
        self._prompts = [render(tokenizer, request.turns) for request in requests]
        self.tokens: list[list[int]] = [
            tokenizer(prompt, add_special_tokens=False)["input_ids"] for prompt in self._prompts
        ]
        self._last: Any = None

    def speak(self) -> list[list[int]]:
        """The messages' tokens, without store, requests and keys."""
        keys = [request.key for request in self._requests]
        said = self._backbone.generate(self._prompts, keys, self._requests[0].decoding)
        return [tokens for tokens, _ in said]

    def read(self, room: int) -> None:
        """Read all prompts and make room for so many tokens more."""
        self._backbone.reader.begin([len(tokens) + room for tokens in self.tokens])
        self._take(self.tokens)

    def step(self) -> None:
        """Read one more token of each text, the most likely one."""
        self._take(self._last)

    def _take(self, tokens: Sequence[list[int]]) -> None:
        scores = self._backbone.reader.read(range(len(self.tokens)), tokens)
        self._last = scores.argmax(dim=-1, keepdim=True).tolist()

    def operators(self) -> Counter[str]:
        """Seconds by kind of operator in the last call; none without ``counted``."""
        found: Counter[str] = Counter()
        for row in self._backbone.reader._request.profiling_info:
            found[row.node_type] += row.real_time.total_seconds()
        return found


def _counting() -> Any:
    settings = openvino_reader.settings
    return patch.object(openvino_reader, "settings", lambda **given: {**settings(**given), "PERF_COUNT": True})
