"""A memory of the texts that have been seen, which does not outgrow its bound."""

from __future__ import annotations

import hashlib
from array import array

MOST_TEXTS = 1 << 25
"""Texts remembered at most, in at most 768 MiB; 16 to 32 bytes each, with as much again while a table grows."""


def fingerprint(*parts: str) -> int:
    """Return the first 64 bits of BLAKE2b of texts; never 0. Two of n texts agree by chance with n² / 2^65."""
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        digest.update(part.encode("utf-8", "surrogatepass") + b"\0")
    return int.from_bytes(digest.digest(), "big") or 1


class Seen:
    """The fingerprints seen last.

    They lie in two tables: when the young one holds half of what may be remembered it becomes the old one, and the old
    one is forgotten. Up to half of ``most`` texts nothing is forgotten; after that a repeated text may be taken for a
    new one, but a new one is never taken for a repeated one.

    Attributes:
        forgotten: Texts that were forgotten.
    """

    def __init__(self, most: int = MOST_TEXTS) -> None:
        """Make an empty set of at most ``most`` texts."""
        self._half = max(1, most // 2)
        self._young, self._old = _Table(), _Table()
        self.forgotten = 0

    def add(self, key: int) -> bool:
        """Put a fingerprint (1..2^64 - 1) in; say whether it is new."""
        if key in self._old or not self._young.add(key):
            return False
        if self._young.used == self._half:
            self.forgotten += self._old.used
            self._young, self._old = _Table(), self._young
        return True

    def __len__(self) -> int:
        return self._young.used + self._old.used


class _Table:
    """A set of numbers above 0 in an array of 8 bytes each, at most half full (open addressing, linear probing)."""

    def __init__(self) -> None:
        self._slots = array("Q", bytes(8 * 64))
        self.used = 0

    def __contains__(self, key: int) -> bool:
        return self._slots[self._find(key)] == key

    def add(self, key: int) -> bool:
        """Put a number in; say whether it is new."""
        place = self._find(key)
        if self._slots[place] == key:
            return False
        self._slots[place] = key
        self.used += 1
        if 2 * self.used > len(self._slots):
            self._grow()
        return True

    def _find(self, key: int) -> int:
        """The place of a number, or the empty one where it would go."""
        last = len(self._slots) - 1
        place = key & last
        while (found := self._slots[place]) and found != key:
            place = (place + 1) & last
        return place

    def _grow(self) -> None:
        old, self._slots = self._slots, array("Q", bytes(16 * len(self._slots)))
        for key in old:
            if key:
                self._slots[self._find(key)] = key
