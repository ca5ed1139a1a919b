"""Check of the message store: it opens, is whole and can be written."""

from __future__ import annotations

from collections.abc import Iterator

from model_wrappers.doctor.base import Check, Finding, fault, note, ok
from model_wrappers.doctor.visit import Visit

AREA = "message store"
ADVICE = "Give another file with messages=FILE in --model_args (none keeps messages in memory)."


def file(visit: Visit) -> Iterator[Finding]:
    """Report whether the store opens, is whole and takes messages."""
    store = visit.store
    if store.path is None:
        yield note(
            "file", "messages=none: messages are kept in memory and lost at the end", "Name a file to keep them."
        )
        return
    damage = [] if visit.quick else store.damage()
    if damage:
        advice = "Save what is whole (modplural messages export OUT.jsonl), import it into a new file, and take that."
        yield fault("file", f"{store.path} is damaged ({damage[0]})", advice)
        return
    store.check_writable()
    new = "will be made with the first message" if not store.path.exists() else f"holds {len(store):,} messages"
    yield ok("file", f"{store.path} {new}")


CHECKS = (Check(AREA, "file", ADVICE, file),)
