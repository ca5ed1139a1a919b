"""A judge's replies, one JSON line each, written the moment they are there; a killed run goes on from them."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from community_lms.pools.spec import digest
from plural_tasks.pairwise import Verdict
from plural_tasks.utils.checked import read_text
from plural_tasks.utils.errors import ModPluralError

logger = logging.getLogger(__name__)


def reply_key(judge: dict[str, Any], prompt: str, pair: str, order: str) -> str:
    """SHA-256 of everything that decides a reply.

    Args:
        judge: The judge's identity and decoding, as plain JSON.
        prompt: The prompt as the judge sees it.
        pair: Digest of the pair.
        order: ``ab`` or ``ba``.
    """
    return digest({"judge": judge, "prompt": prompt, "pair": pair, "order": order})


@dataclass(frozen=True)
class JudgeReply:
    """One line of the log. ``verdict`` is there for readers; it is read anew from ``reply``."""

    key: str
    id: str
    order: str
    verdict: Verdict
    reply: str
    judge: dict[str, Any]
    pair: str
    prompt: str


class VerdictLog:
    """Replies by key, in a file; ``path=None`` keeps them in memory."""

    def __init__(self, path: Path | None) -> None:
        """Open a log and read what is there; the file is made with the first reply.

        A last line that a killed run left half written is passed over, with a warning.

        Raises:
            ModPluralError: If the file cannot be read or written, or holds something else than replies.
        """
        self.path = path
        self._replies: dict[str, str] = {}
        if path is None:
            return
        if path.exists():
            for reply in _read(path):
                self._replies.setdefault(reply.key, reply.reply)
        _check_writable(path)

    def get(self, key: str) -> str | None:
        """The reply of that key, or None."""
        return self._replies.get(key)

    def put(self, replies: Sequence[JudgeReply]) -> None:
        """Add replies; they are on the disk when this returns.

        Raises:
            ModPluralError: If the file cannot be written.
        """
        if self.path is not None:
            lines = "".join(json.dumps(asdict(reply), ensure_ascii=False) + "\n" for reply in replies)
            try:
                with self.path.open("ab+") as file:
                    file.write(_mended(file) + lines.encode("utf-8", errors="backslashreplace"))
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                raise ModPluralError(f"{self.path}: cannot be written ({error.strerror}).") from error
        self._replies.update({reply.key: reply.reply for reply in replies})

    def __len__(self) -> int:
        """Number of replies."""
        return len(self._replies)


def _read(path: Path) -> Iterator[JudgeReply]:
    for number, line in enumerate(read_text(path).split("\n"), start=1):  # splitlines() would also split at U+2028
        if not line:
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            logger.warning("%s:%d: is not a JSON line (%s). It is passed over.", path, number, error.msg)
            continue
        try:
            reply = JudgeReply(**record)
            expected = reply_key(reply.judge, reply.prompt, reply.pair, reply.order)
        except (TypeError, AttributeError) as error:
            raise ModPluralError(
                f"{path}:{number}: is no verdict of modplural judge; name another file for --output."
            ) from error
        if reply.key != expected:
            raise ModPluralError(f"{path}:{number}: the key does not fit the line, which was changed; remove the line.")
        yield reply


def _mended(file: Any) -> bytes:
    """A line break, where a killed run left the last line without one."""
    if file.seek(0, os.SEEK_END) == 0:
        return b""
    file.seek(-1, os.SEEK_END)
    return b"" if file.read(1) == b"\n" else b"\n"


def _check_writable(path: Path) -> None:
    """Say before the first question is asked that its answer could not be kept."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ModPluralError(f"{path}: cannot be written ({error.strerror}).") from error
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise ModPluralError(f"{path}: cannot be written; name a file in a folder that can be.")
