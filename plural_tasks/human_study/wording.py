"""What raters read, as data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from plural_tasks.schema import Text
from plural_tasks.utils.checked import Checked, parse, read_yaml

WORDING = Path(__file__).resolve().parent / "form" / "wording.yaml"


class Wording(Checked):
    """All texts of the page; see ``form/wording.yaml``, which says what each is for.

    ``{…}`` in a text is filled in by the page: ``n``, ``total``, ``done``, ``missing``, ``file`` or ``tie``, as the
    shipped wording has them.
    """

    language: Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]+)*$")]
    direction: Literal["ltr", "rtl"] = "ltr"
    title: Text
    question: Text
    intro: Annotated[tuple[Text, ...], Field(min_length=1)]
    guidance: tuple[Text, ...] = ()
    privacy: Text
    situation: Text
    first: Text
    second: Text
    tie: Text
    empty: Text
    start: Text
    resume: Text
    back: Text
    next: Text
    finish: Text
    overview: Text
    pair: Text
    progress: Text
    answered: Text
    unanswered: Text
    instructions: Text
    done_title: Text
    complete: Text
    incomplete: Text
    download_json: Text
    download_csv: Text
    downloaded: Text
    clear: Text
    clear_sure: Text
    saved: Text
    not_saved: Text
    shortcuts: Text
    shortcuts_help: Text
    no_script: Text


def load_wording(path: Path | None = None) -> Wording:
    """Read the wording of a study; None is the shipped English one.

    Raises:
        ModPluralError: If the file cannot be read, or a text is missing, empty or unknown.
    """
    path = path or WORDING
    return parse(Wording, read_yaml(path), where=str(path))
