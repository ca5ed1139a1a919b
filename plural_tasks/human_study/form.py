"""A rater's page: one HTML file that works from a disk, without a network, and sends nothing."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from plural_tasks.human_study.design import ShownPair
from plural_tasks.human_study.key import VERSION
from plural_tasks.human_study.wording import Wording

FOLDER = Path(__file__).resolve().parent / "form"
_OURS = {"language", "direction", "intro", "guidance", "title", "question", "privacy"}


def render_form(study: str, rater: str, shown: tuple[ShownPair, ...], wording: Wording) -> str:
    """Return the page of one rater.

    Answers are data and never markup: they travel as JSON in which ``<``, ``>`` and ``&`` are escaped, the page writes
    them as plain text, and its security policy names the digest of its one script, so that nothing else can run and
    nothing can be loaded.
    """
    data = {
        "version": VERSION,
        "study": study,
        "rater": rater,
        "words": wording.model_dump(exclude=_OURS),
        "items": [{"id": row.item, "situation": row.situation, "answers": list(row.answers)} for row in shown],
    }
    script, style = _part("form.js"), _part("form.css")
    page: str = _template().render(
        wording=wording,
        data=_safe(json.dumps(data, ensure_ascii=False)),
        script=_safe(script, escape=False),
        style=_safe(style, escape=False),
        script_hash=_hash(script),
        style_hash=_hash(style),
    )
    return page


def _safe(text: str, *, escape: bool = True) -> Any:
    """Text that the template puts out as it is; ``escape`` writes what could end the script as JSON escapes."""
    from markupsafe import Markup

    if escape:
        for sign in "<>&\u2028\u2029":
            text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _part(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


@cache
def _template() -> Any:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_part("form.html"))
