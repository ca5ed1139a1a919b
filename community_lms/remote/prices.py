"""What tokens cost: the user's table of prices, then the one that comes with modplural."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from plural_tasks.schema import Text
from plural_tasks.utils.checked import Checked, parse, read_yaml
from plural_tasks.utils.errors import ModPluralError

TABLE = Path(__file__).resolve().parent / "prices.yaml"
MILLION = 1_000_000


class Price(Checked):
    """What a model's tokens cost.

    Attributes:
        model: Its name as the backend is given it; ``*`` stands for anything.
        read: Dollars for a million tokens of prompts.
        written: Dollars for a million tokens of answers.
        source: Address of the page from which the prices come.
    """

    model: Text
    read: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    written: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    source: str = ""

    def of(self, read: float, written: float) -> float:
        """Dollars for so many tokens."""
        return (read * self.read + written * self.written) / MILLION


class _Table(Checked):
    as_of: str = ""
    prices: tuple[Price, ...]


class Prices:
    """Prices by model; the first entry that fits a name counts."""

    def __init__(self, entries: Sequence[Price]) -> None:
        """Take entries, the user's first."""
        self.entries = tuple(entries)

    def of(self, model: str) -> Price | None:
        """The price of a model; None where it is not known."""
        return next((entry for entry in self.entries if fnmatchcase(model, entry.model)), None)

    def require(self, model: str) -> Price:
        """As `of`, for a model that must have a price.

        Raises:
            ModPluralError: If the price is not known; the message names similar models.
        """
        import difflib

        found = self.of(model)
        if found is not None:
            return found
        near = difflib.get_close_matches(model, [entry.model for entry in self.entries], n=3)
        hint = f" (near: {', '.join(near)})" if near else ""
        raise ModPluralError(
            f"no price is known for the model {model!r}{hint}, and a limit of cost needs one. Write a file with "
            f"'prices: [{{model: {model}, read: DOLLARS, written: DOLLARS}}]', for a million tokens each, and name it "
            "with prices=FILE (--prices FILE)."
        )


def load_prices(path: str | Path | None = None) -> Prices:
    """Read the user's table, if there is one, and put modplural's own behind it.

    Raises:
        ModPluralError: If the file cannot be read or holds something else.
    """
    own = _read(str(TABLE)).prices
    return Prices([*(_read(str(path)).prices if path is not None else ()), *own])


@cache
def _read(path: str) -> _Table:
    content: Any = read_yaml(Path(path).expanduser())
    return parse(_Table, content, where=path)
