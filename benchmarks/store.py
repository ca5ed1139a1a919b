"""How many messages a second the store reads and writes, at a million rows.

    python benchmarks/store.py                  # two minutes
    python benchmarks/store.py --rows 100000

Fills a store in a temporary folder, reads messages in random order (1,000 keys a call) and writes new ones in batches
of 64, as a run does, with a commit each. Messages have 200 characters, prompts 800.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from community_lms.message import Message, MessageRequest
from community_lms.spec import Community, Decoding
from community_lms.store import MessageStore, StoredMessage

MEMBER = Community.model_validate({"name": "us", "description": "us", "persona": "p", "backbone": "b"})
BATCH, READ = 64, 1000


def main() -> None:
    """Fill, read, write, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.sqlite"
        store = MessageStore(path)
        for start in range(0, options.rows, 20_000):
            store.put(rows(start, min(start + 20_000, options.rows)))
        reads, writes = [], []
        rng = random.Random(1)
        for turn in range(options.repeats):
            keys = [request(rng.randrange(options.rows)).key for _ in range(20 * READ)]
            since = time.perf_counter()
            found = sum(len(store.get(keys[start : start + READ])) for start in range(0, len(keys), READ))
            reads.append(len(keys) / (time.perf_counter() - since))
            if found < 0.9 * len(keys):
                raise SystemExit(f"of {len(keys)} messages only {found} were found")
            new = [*rows(options.rows + turn * 50 * BATCH, options.rows + (turn + 1) * 50 * BATCH)]
            since = time.perf_counter()
            for start in range(0, len(new), BATCH):
                store.put(new[start : start + BATCH])
            writes.append(len(new) / (time.perf_counter() - since))
        size = path.stat().st_size / 1e6
        store.close()
    print(f"{options.rows:,} rows, {size:,.0f} MB: medians of {options.repeats}")
    print(f"read  {statistics.median(reads):,.0f} messages/s, {READ} keys a call, in random order")
    print(f"write {statistics.median(writes):,.0f} messages/s, {BATCH} a commit")


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
