"""How many messages a second the store reads and writes, at a million rows.

    python benchmarks/store.py                  # two minutes
    python benchmarks/store.py --rows 100000

Fills a store in a temporary folder, reads messages in random order (1,000 keys a call) and writes new ones in batches
of 64, as a run does, with a commit each. Messages have 200 characters, prompts 800.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from benchmarks.speed.timing import Round, median_rate, timed
from community_lms.messages.message import Message, MessageRequest
from community_lms.messages.store import MessageStore, StoredMessage
from community_lms.pools.spec import Community, Decoding

MEMBER = Community.model_validate({"name": "us", "description": "us", "persona": "p", "backbone": "b"})
BATCH, READ = 64, 1000


def main() -> None:
    """Fill, read, write, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    rounds, size = fill_and_time(options.rows, options.repeats)
    print(f"{options.rows:,} rows, {size:,.0f} MB: medians of {options.repeats}")
    print(f"read  {median_rate(rounds['read']):,.0f} messages/s, {READ} keys a call, in random order")
    print(f"write {median_rate(rounds['write']):,.0f} messages/s, {BATCH} a commit")


def fill_and_time(count: int, repeats: int) -> tuple[dict[str, list[Round]], float]:
    """Fill a store with ``count`` messages, then read and write by turns.

    Returns:
        Rounds of ``read`` and ``write``, in messages, and the file's size in MB.

    Raises:
        RuntimeError: If messages that were put in are not found.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.sqlite"
        store = MessageStore(path)
        for start in range(0, count, 20_000):
            store.put(rows(start, min(start + 20_000, count)))
        found: dict[str, list[Round]] = {"read": [], "write": []}
        rng = random.Random(1)
        for turn in range(repeats):
            keys = [request(rng.randrange(count)).key for _ in range(20 * READ)]
            found["read"].append(timed(partial(_read, store, keys)))
            new = [*rows(count + turn * 50 * BATCH, count + (turn + 1) * 50 * BATCH)]
            found["write"].append(timed(partial(_write, store, new)))
        size = path.stat().st_size / 1e6
        store.close()
    return found, size


def _read(store: MessageStore, keys: Sequence[str]) -> float:
    found = sum(len(store.get(keys[start : start + READ])) for start in range(0, len(keys), READ))
    # A key that was drawn twice within a call is found once.
    if found < sum(len(set(keys[start : start + READ])) for start in range(0, len(keys), READ)):
        raise RuntimeError(f"of {len(keys)} messages only {found} were found")
    return len(keys)


def _write(store: MessageStore, new: Sequence[StoredMessage]) -> float:
    for start in range(0, len(new), BATCH):
        store.put(new[start : start + BATCH])
    return len(new)


def request(number: int) -> MessageRequest:
    """A request like no other."""
    text = f"question {number} " + "why " * 200
    return MessageRequest(MEMBER, "peft", {"backbone": {"repo": "b"}}, (("user", text),), Decoding(), 1)


def rows(first: int, last: int) -> Iterator[StoredMessage]:
    """Rows with the numbers from ``first`` to before ``last``."""
    for number in range(first, last):
        yield StoredMessage.of(request(number), Message("us", "because " * 25, prompt_tokens=220, tokens=50))


if __name__ == "__main__":
    main()
