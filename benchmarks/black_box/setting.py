"""What every show is given."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Setting:
    """A server, and how much of everything.

    Attributes:
        address: Of the server, ``http://host:port``.
        model: Its name for the model.
        weights: Folder of its weights and tokenizer.
        folder: Where runs leave their files.
        data: Folder of the published task files; "" takes them from their public place.
        limit: Documents of each task.
        samples: Answers drawn for each prompt.
        kills: How often a run is killed.
        down: Seconds for which everything fails.
        seed: Of faults and kills.
    """

    address: str
    model: str
    weights: str
    folder: Path
    data: str = ""
    limit: int = 4
    samples: int = 50
    kills: int = 10
    down: float = 60.0
    seed: int = 1
