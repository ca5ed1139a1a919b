"""News and Reddit posts by political leaning, in the layout of the POLITICS / BIGNEWS releases (Liu et al. 2022).

The releases are handed out on request, as JSON lists, one file for each leaning (``BIGNEWSBLN_left.json``,
``…_center.json``, ``…_right.json``) or outlet, of articles with ``title``, ``text`` (a list of sentences), ``source``
(the outlet) and ``date``. Reddit corpora come as JSON lines with ``title`` and ``selftext``, or ``body``; or as text.

The leaning of a row is told, in this order, by its field ``leaning``, ``ideology`` or ``bias`` (words, not numbers, for
these mean different things in different releases), by the name of its file or of a folder around it, or by its outlet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from community_lms.training.builders.base import Builder, CorpusRequest
from community_lms.training.corpus import Record
from community_lms.training.rows import data_files, file_rows
from community_lms.training.tally import CorpusTally
from plural_tasks.sources.base import LocatedRow
from plural_tasks.utils.errors import ModPluralError

OUTLETS = {
    **dict.fromkeys(("dailykos", "hpo", "cnn", "wpo", "nyt"), "left"),
    **dict.fromkeys(("usatoday", "ap", "hill"), "center"),
    **dict.fromkeys(("wat", "fox", "breitbart"), "right"),
}
"""Code of an outlet in BIGNEWS -> its leaning, as that paper groups them."""

WORDS = {"left": "left", "center": "center", "centre": "center", "right": "right"}
SAID_IN = ("leaning", "ideology", "bias", "bias_text")
TEXT_IN = ("text", "body", "selftext", "content", "comment")
DELETED = ("[deleted]", "[removed]")


def records(request: CorpusRequest, tally: CorpusTally) -> Iterator[Record]:
    """Yield each article or post as plain text of ``left``, ``center`` or ``right``; by medium, of ``news_left``, …."""
    root = Path(request.path).expanduser()
    if not root.exists():
        raise ModPluralError(
            f"{request.path}: no such file or folder. The corpora are handed out as files; give their folder."
        )
    for path in data_files(root):
        inner = path.relative_to(root).parts[:-1] if root.is_dir() else ()
        names = [_words(name) for name in (path.stem, *reversed(inner), root.stem)]
        social = any("reddit" in words for words in names)
        for row in file_rows(path):
            tally.read += 1
            text = _text(row)
            leaning = _leaning(row, names)
            if not leaning:
                tally.drop("no leaning known", str(row.get("source") or path.name))
            elif text:
                medium = "reddit" if social or "subreddit" in row or "selftext" in row else "news"
                community = f"{medium}_{leaning}" if request.by == "medium" else leaning
                yield POLITICS.record(request, community, "", text)
            else:
                tally.drop("deleted or empty")


def _words(name: str) -> set[str]:
    return set(re.findall(r"[a-z]+", name.casefold()))


def _leaning(row: LocatedRow, names: list[set[str]]) -> str:
    for field in SAID_IN:
        value = row.get(field)
        if isinstance(value, str) and (found := _only(_words(value))):
            return found
    for words in names:
        if found := _only(words):
            return found
    return OUTLETS.get(str(row.get("source", "")).casefold(), "")


def _only(words: set[str]) -> str:
    """The leaning that words name, "" where they name none or several."""
    found = {WORDS[word] for word in words & WORDS.keys()}
    return found.pop() if len(found) == 1 else ""


def _text(row: LocatedRow) -> str:
    """Title and text; "" where nothing is left of a post."""
    present = [name for name in TEXT_IN if name in row]
    if not present:
        raise ModPluralError(f"{row.where}: found {', '.join(row)}, expected one of the columns {', '.join(TEXT_IN)}.")
    bodies = (row[name] for name in present)
    body = next((text for value in bodies if (text := _joined(value, row))), "")
    if body.strip().casefold() in DELETED:
        return ""
    title = row.get("title")
    return f"{title.strip()}\n\n{body}".strip() if isinstance(title, str) else body


def _joined(value: Any, row: LocatedRow) -> str:
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return " ".join(value)
    if value is None or isinstance(value, str):
        return value or ""
    raise ModPluralError(
        f"{row.where}: found {type(value).__name__} for the text, expected text or a list of sentences."
    )


POLITICS = Builder(
    name="politics",
    title="News and Reddit by leaning",
    reads="a folder of JSON, JSONL, CSV or text files of articles or posts, by leaning (POLITICS / BIGNEWS layout)",
    records=records,
    by=("leaning", "medium"),
    licence_note="say it with --licence (BIGNEWS: CC-BY-NC-SA-4.0)",
    min_chars=80,
)
