"""Data cards: the README.md of a data set on the Hub, made of its manifest."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plural_tasks.publishing.load import read_parquet
from plural_tasks.publishing.manifest import Manifest, SourceEntry
from plural_tasks.publishing.rows import FIELDS
from plural_tasks.schema import Mode
from plural_tasks.utils.errors import one_line

if TYPE_CHECKING:
    from huggingface_hub import CardData, DatasetCardData

README = "README.md"
PLACEHOLDER = "OWNER/NAME"
"""Stands for the repository in a card that is not pushed yet."""

TEMPLATE = Path(__file__).resolve().parent / "templates" / "dataset_card.md"

TASKS: dict[Mode, tuple[str, ...]] = {
    "overton": ("text-generation",),
    "steerable": ("multiple-choice", "question-answering"),
    "distributional": ("multiple-choice", "question-answering"),
}
"""Mode -> task categories of the Hub."""

HUB_LICENCES = (
    *("afl-3.0", "apache-2.0", "bsd-2-clause", "bsd-3-clause", "bsl-1.0", "c-uda", "cc0-1.0", "cc-by-2.0"),
    *("cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nc-nd-3.0"),
    *("cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "cc-by-nd-4.0", "cc-by-sa-3.0"),
    *("cc-by-sa-4.0", "cdla-permissive-1.0", "cdla-permissive-2.0", "cdla-sharing-1.0", "etalab-2.0", "gfdl"),
    *("gpl-2.0", "gpl-3.0", "lgpl-3.0", "mit", "mpl-2.0", "odbl", "odc-by", "pddl", "unlicense"),
)
"""Identifiers that the Hub knows; any other licence is ``other``, with its name."""

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def licence_ids(text: str) -> list[str]:
    """Return the Hub's identifiers of the licences that ``text`` names, in its order; ``other`` where it names none."""
    names = sorted(HUB_LICENCES, key=len, reverse=True)
    pattern = "|".join(r"[-\s]".join(map(re.escape, name.split("-"))) for name in names)
    found = re.findall(rf"(?<![\w-])({pattern})(?!\w|-\w|\.\d)", text, re.IGNORECASE)
    return list(dict.fromkeys(re.sub(r"\s", "-", name).casefold() for name in found)) or ["other"]


def size_category(rows: int) -> str:
    """Return the Hub's size category of a number of rows."""
    return next((name for limit, name in _SIZES if rows < limit), "n>1T" if rows >= 10**12 else "1M<n<10M")


def metadata(manifest: Manifest, *, rows: bool = True) -> DatasetCardData:
    """Return the card's YAML block.

    Args:
        manifest: The data set.
        rows: The data files are published with the card; otherwise no configuration points at them.
    """
    from huggingface_hub import DatasetCardData

    sources = manifest.sources.values()
    modes = sorted({source.mode for source in sources})
    licences = {name: _licences(source) for name, source in manifest.sources.items()}
    flat = list(dict.fromkeys(licence for found in licences.values() for licence in found))
    extra: dict[str, Any] = {"tags": ["modplural", "pluralistic-alignment", *modes]}
    others = [source for name, source in manifest.sources.items() if "other" in licences[name]]
    if others:
        extra["license_name"] = _slug("; ".join(dict.fromkeys(source.licence for source in others))) or "unknown"
        links = {source.homepage for source in others if source.homepage}
        if len(links) == 1:
            extra["license_link"] = links.pop()
    if rows:
        extra["configs"] = _configs(manifest)
    languages = sorted({language for source in sources for language in source.languages})
    return DatasetCardData(
        pretty_name=manifest.title,
        license=flat[0] if len(flat) == 1 else flat,
        language=languages,
        multilinguality="monolingual" if len(languages) == 1 else "multilingual",
        task_categories=list(dict.fromkeys(task for mode in modes for task in TASKS[mode])),
        size_categories=size_category(manifest.rows),
        **extra,
    )


def render_card(
    manifest: Manifest, *, folder: Path | None = None, repo_id: str = PLACEHOLDER, rows: bool = True
) -> str:
    """Return the text of the data card.

    Args:
        manifest: The data set.
        folder: Folder of its files, to show a row of each configuration; None shows none.
        repo_id: The repository, for the lines that load it.
        rows: The data files are published with the card, not only their digests.
    """
    import jinja2

    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters["cell"] = _cell
    modes = {source.mode for source in manifest.sources.values()}
    body = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        manifest=manifest,
        repo_id=repo_id,
        rows=rows,
        fields=[field for field in FIELDS if modes & set(field.modes)],
        studies={name: study for source in manifest.sources.values() for name, study in source.studies.items()},
        issues=_issues(manifest),
        citations=_citations(manifest),
        examples=_examples(manifest, folder) if rows and folder else {},
        first=next((found for found in manifest.splits() if found[2] == "test"), next(manifest.splits())),
    )
    return f"---\n{metadata(manifest, rows=rows).to_yaml()}\n---\n\n{body}"


def check_card(folder: Path, manifest: Manifest) -> list[str]:
    """Return what is wrong with the README.md of a built folder, which somebody may have edited."""
    from huggingface_hub import DatasetCard

    path = folder / README
    if not path.is_file():
        return ["is missing; `modplural data card FOLDER --write` makes it."]
    try:
        found = _plain(DatasetCard(path.read_text(encoding="utf-8")).data)
    except Exception as error:  # whatever the YAML parser and the client raise: the text may be anything
        return [f"its YAML block cannot be read ({one_line(error)[:200]})."]
    expected = _plain(metadata(manifest))
    return [
        f"its YAML block says {name}: {found.get(name)!r}, the manifest says {expected[name]!r}."
        for name in ("license", "configs", "size_categories")
        if found.get(name) != expected[name]
    ]


def _licences(source: SourceEntry) -> list[str]:
    """Licences for the card; ``other`` where the items may not be published, whatever licence they mention."""
    return licence_ids(source.licence) if source.redistribute else ["other"]


def _plain(data: CardData) -> dict[str, Any]:
    plain: dict[str, Any] = data.to_dict()  # type: ignore[no-untyped-call]
    return plain


def _configs(manifest: Manifest) -> list[dict[str, Any]]:
    return [
        {
            "config_name": name,
            "data_files": [{"split": split, "path": entry.file} for split, entry in source.splits.items()],
            **({"default": True} if place == 0 else {}),
        }
        for place, (name, source) in enumerate(manifest.sources.items())
    ]


def _issues(manifest: Manifest) -> dict[str, list[str]]:
    """Known issue -> the sources that have it."""
    found: dict[str, list[str]] = {}
    for name, source in manifest.sources.items():
        for issue in source.known_issues:
            found.setdefault(issue, []).append(name)
    return found


def _citations(manifest: Manifest) -> list[str]:
    """What to cite: a source whose studies are known is cited by these."""
    found: dict[str, None] = {}
    for source in manifest.sources.values():
        found |= dict.fromkeys(study.citation for study in source.studies.values() if study.citation)
        if source.citation and not source.studies:
            found[source.citation] = None
    return list(found)


def _examples(manifest: Manifest, folder: Path) -> Mapping[str, str]:
    """The first row of each source that may be published, as JSON."""
    found = {}
    for name, source in manifest.sources.items():
        if source.redistribute:
            row = read_parquet(folder / _first_file(source))[0][0]
            found[name] = json.dumps(row, indent=2, ensure_ascii=False)
    return found


def _first_file(source: SourceEntry) -> str:
    return (source.splits.get("test") or next(iter(source.splits.values()))).file


def _cell(value: object) -> str:
    """Text for a cell of a Markdown table."""
    return " ".join(str(value).split()).replace("|", r"\|")


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", text.casefold()).strip("-")[:96]
