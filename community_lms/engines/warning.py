"""What engines warn of when they load or reach a community."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

WarningKind = Literal["adapter_without_effect", "unlisted_model", "other"]


@dataclass(frozen=True)
class EngineWarning:
    """A warning about one community.

    Attributes:
        community: Name of the community; None for a warning about everybody in the batch.
        kind: ``adapter_without_effect`` where a community answers as its backbone does, ``unlisted_model`` where a
            server answers to a model that it does not list, ``other`` for anything else.
        text: The sentence that users read.
    """

    community: str | None
    kind: WarningKind
    text: str

    def concerns(self, community: str) -> bool:
        """Whether the warning is about this community."""
        return self.community is None or self.community == community


def adapter_without_effect(community: str) -> EngineWarning:
    """Warn that a community answers as its backbone does."""
    text = f"adapter of community {community!r} changes nothing: it is ignored or was never trained."
    return EngineWarning(community, "adapter_without_effect", text)
