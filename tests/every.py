"""One test over many pieces of data, which shows all that fail and not the first alone."""

from collections.abc import Callable, Iterable
from typing import TypeVar

Piece = TypeVar("Piece")


def every(pieces: Iterable[tuple[str, Piece]], check: Callable[[Piece], None]) -> None:
    """Runs a check on every piece of data.

    Args:
        pieces: Pairs of the place of a piece, which a reader can look up, and the piece. At least one.
        check: Raises where something is wrong with a piece.

    Raises:
        AssertionError: Some pieces failed: one paragraph for each, which begins with its place; or there are no pieces.
    """
    failures, number = [], 0
    for place, piece in pieces:
        number += 1
        try:
            check(piece)
        except Exception as error:
            failures.append(f"{place}: {type(error).__name__}: {error}")
    assert number, "nothing to check"
    assert not failures, f"{len(failures)} of {number} failed\n" + "\n".join(failures)
