"""A deterministic engine without a model, for dry runs and tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from community_lms.engines.warning import EngineWarning
from community_lms.messages.message import Message, MessageRequest
from plural_tasks.utils.errors import ModPluralError

_STANCES = (
    "we would welcome this, because it fits how we live.",
    "we would rather not, because it costs us more than it gives.",
    "it depends: some of us see a duty here, others a danger.",
    "we ask who decides, and who has to bear it.",
)


class ScriptedEngine:
    """Returns prepared lines, or a stance that the request's key picks.

    Attributes:
        calls: All requests so far, in order.
    """

    name = "scripted"

    def __init__(
        self,
        *,
        batch_size: int = 16,
        device: str | None = None,
        dtype: str = "auto",
        script: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """Make the engine.

        Args:
            batch_size: Requests in one call.
            device: Not used.
            dtype: Not used.
            script: Lines by community, returned in order; a community that runs out of lines is an error.
        """
        self.batch_size = batch_size
        self.warnings: list[EngineWarning] = []
        self.calls: list[MessageRequest] = []
        self._script = {name: list(lines) for name, lines in script.items()} if script is not None else None

    def speak(self, requests: Sequence[MessageRequest]) -> list[Message]:
        """Return the next lines of the script, or stances."""
        self.calls.extend(requests)
        return [self._message(request) for request in requests]

    def _message(self, request: MessageRequest) -> Message:
        community = request.community
        if self._script is None:
            stance = _STANCES[int(request.key[:8], 16) % len(_STANCES)]
            text = f"Speaking for {community.description}: {stance}"
        else:
            lines = self._script.get(community.name, [])
            if not lines:
                raise ModPluralError(f"scripted engine: no line is left for community {community.name!r}.")
            text = lines.pop(0)
        return Message(community.name, text, prompt_tokens=request.length // 4, tokens=len(text.split()))

    def close(self) -> None:
        """Nothing to free."""
