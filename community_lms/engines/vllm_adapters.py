"""Adapters as vLLM takes them: local folders, ranks that it knows, and a number for each."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from community_lms.engines.warning import EngineWarning, adapter_without_effect
from community_lms.pools.spec import Community, Weights
from plural_tasks.utils.checked import read_json
from plural_tasks.utils.errors import ModPluralError, one_line

logger = logging.getLogger(__name__)

RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""Values of ``max_lora_rank`` that vLLM takes."""

MOST_LORAS = 16
"""Greatest number of adapters in use in one step; each takes memory of the GPU, and messages of others wait."""


@dataclass(frozen=True)
class Room:
    """Adapters that a backbone is loaded for.

    Attributes:
        rank: Greatest rank of an adapter; 0 for no adapters.
        loras: Greatest number of adapters in use at once.
    """

    rank: int = 0
    loras: int = 0

    def holds(self, other: Room) -> bool:
        """Whether there is room for the other adapters too."""
        return self.rank >= other.rank and self.loras >= other.loras

    def joined(self, other: Room) -> Room:
        """Room that is enough for both."""
        return Room(max(self.rank, other.rank), max(self.loras, other.loras))


class Adapters:
    """The adapters that were used so far; each that has no effect gives a warning."""

    def __init__(self, warnings: list[EngineWarning]) -> None:
        """Begin with none; warnings are added to the list."""
        self._warnings = warnings
        self._folders: dict[Weights, Path] = {}
        self._numbers: dict[Weights, int] = {}

    def room_for(self, members: Sequence[Community]) -> Room:
        """Room that a backbone needs for the adapters of these members."""
        adapters = {member.adapter: member.name for member in members if member.adapter is not None}
        ranks = [self._rank(adapter, name) for adapter, name in adapters.items()]
        return Room(max(ranks, default=0), min(len(adapters), MOST_LORAS))

    def _rank(self, adapter: Weights, community: str) -> int:
        """The least of vLLM's ranks that holds the adapter.

        Raises:
            ModPluralError: If there is none, or the adapter cannot be read.
        """
        settings = read_json(self._folder(adapter, community) / "adapter_config.json")
        try:
            rank = max(int(settings["r"]), *map(int, (settings.get("rank_pattern") or {}).values()), 0)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ModPluralError(
                f"community {community!r}: adapter {adapter.path} has no rank 'r' in its adapter_config.json; it is no "
                "LoRA adapter."
            ) from error
        allowed = next((allowed for allowed in RANKS if allowed >= rank), None)
        if allowed is None:
            raise ModPluralError(
                f"community {community!r}: adapter {adapter.path} has rank {rank}, vLLM takes {RANKS[-1]} at most; "
                "take message_engine=peft."
            )
        return allowed

    def _folder(self, adapter: Weights, community: str) -> Path:
        """Folder with the adapter's files, fetched if need be; vLLM itself would not fetch a given revision."""
        if adapter not in self._folders:
            try:
                self._folders[adapter] = _fetched(adapter)
                no_effect = _has_no_effect(adapter)
            except Exception as error:  # peft raises whatever the file or the Hub raises
                self._folders.pop(adapter, None)
                raise ModPluralError(
                    f"community {community!r}: adapter {adapter.path} cannot be read ({one_line(error)[:300]})."
                ) from error
            if no_effect:
                self._warnings.append(adapter_without_effect(community))
                logger.warning("%s", self._warnings[-1].text)
        return self._folders[adapter]

    def request(self, community: Community) -> Any:
        """The community's adapter as vLLM takes it; None for a community without one."""
        from vllm.lora.request import LoRARequest

        if community.adapter is None:
            return None
        number = self._numbers.setdefault(community.adapter, len(self._numbers) + 1)
        # vLLM takes adapters of one name for the same one.
        return LoRARequest(f"community_{number}", number, str(self._folder(community.adapter, community.name)))


def _fetched(adapter: Weights) -> Path:
    folder = Path(adapter.path)
    if folder.is_dir():
        return folder.resolve()
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(adapter.path, revision=adapter.revision, allow_patterns=["adapter_*"]))


def _has_no_effect(adapter: Weights) -> bool:
    """Whether the adapter adds nothing to any layer, as one that was never trained."""
    from community_lms.engines.lora_matrices import UnusualAdapterError, read_matrices

    try:
        return not any(second.any() for _, second in read_matrices(adapter).values())
    except UnusualAdapterError:  # more than matrices: vLLM will say whether it takes it
        return False
