"""Which faults there are, and which request has which."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from plural_tasks.utils.errors import ModPluralError

Logprobs = Literal["pass", "strip", "refuse"]


class Fault(str, Enum):
    """What can be done to a request. The server behind is asked only where its answer is spoilt or late."""

    TOO_MANY = "too_many"
    """429, without a word on when to come again."""
    RETRY_AFTER = "retry_after"
    """429 with ``Retry-After: 1``."""
    SERVER_ERROR = "server_error"
    """500."""
    UNAVAILABLE = "unavailable"
    """503."""
    RESET = "reset"
    """The connection is reset before the server is asked."""
    RESET_LATE = "reset_late"
    """The server is asked, and the connection is reset in the middle of its answer."""
    SLOW = "slow"
    """The server's answer comes after `Settings.slow_seconds`."""
    CUT = "cut"
    """Half of the answer, under the length of the whole: an incomplete read."""
    SHORT = "short"
    """Half of the answer, under its own length: broken JSON that HTTP takes for whole."""
    NO_CHOICES = "no_choices"
    """200 with ``choices: []``."""

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Settings:
    """How much goes wrong.

    Attributes:
        rate: Share of requests that have a fault, 0..1.
        kinds: Faults, which are equally likely; one that stands there twice is twice as likely.
        seed: Of the choice.
        slow_seconds: How long a slow answer is held back; more than the client's time-out.
        logprobs: What becomes of log-probabilities: ``strip`` takes them out of answers, ``refuse`` answers 400.
        patience: Seconds that the server behind may take.
    """

    rate: float = 0.0
    kinds: tuple[Fault, ...] = tuple(Fault)
    seed: int = 1
    slow_seconds: float = 5.0
    logprobs: Logprobs = "pass"
    patience: float = 600.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.rate <= 1.0:
            raise ModPluralError(f"rate {self.rate} of faults, expected a share from 0 to 1.")
        if self.rate and not self.kinds:
            raise ModPluralError("no kinds of faults, expected at least one where the rate is above 0.")

    def fault(self, digest: str, attempt: int) -> Fault | None:
        """What is done to a body that comes for the ``attempt``-th time."""
        draw = random.Random(f"{self.seed}:{digest}:{attempt}")
        return draw.choice(self.kinds) if draw.random() < self.rate else None
