"""How the themes lean: ``python -m tools.train_embedded.balance`` prints the table of ``themes/README.md``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tools.train_embedded.pools import voices
from tools.train_embedded.themes import Theme, opinion_themes


@dataclass(frozen=True)
class Balance:
    """Where some stances lie.

    Attributes:
        plus: Share above 0: on the statement's side.
        zero: Share at 0.
        minus: Share below 0: on the opposite's side.
        mean: Mean stance, from -2 to 2.
    """

    plus: float
    zero: float
    minus: float
    mean: float


def balance(stances: Sequence[float]) -> Balance:
    """The balance of one or more stances."""
    n = len(stances)
    above, below = (sum(sign * stance > 0 for stance in stances) for sign in (1, -1))
    return Balance(above / n, (n - above - below) / n, below / n, sum(stances) / n)


def balances(themes: Sequence[Theme]) -> Mapping[str, Balance]:
    """The balance of each community's stances, and of the themes by their mean over communities (``all``)."""
    table = {voice.name: balance([theme.positions[voice.name] for theme in themes]) for voice in voices()}
    return {**table, "all": balance([_mean(list(theme.positions.values())) for theme in themes])}


def table(themes: Sequence[Theme]) -> str:
    """The balances as a Markdown table."""
    lines = ["| community | plus | zero | minus | mean stance |", "|---|---|---|---|---|"]
    for name, found in balances(themes).items():
        shares = " | ".join(f"{share:.2f}" for share in (found.plus, found.zero, found.minus))
        lines.append(f"| {name} | {shares} | {found.mean:+.2f} |")
    return "\n".join(lines)


def _mean(stances: Sequence[float]) -> float:
    # Rounded, because a sum of decimals that is 0 on paper may not be 0 in binary.
    return round(sum(stances) / len(stances), 9)


if __name__ == "__main__":
    print(f"{len(opinion_themes())} themes with stances:\n")
    print(table(opinion_themes()))
