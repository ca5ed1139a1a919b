"""The figures of an evaluation as JSON, tables, pictures, and a slice for each community's own folder."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from community_lms.evaluation.heatmap import heatmap
from community_lms.evaluation.tables import report_tables
from community_lms.pools.spec import Pool
from plural_tasks import __version__
from plural_tasks.utils.files import write_json, write_text

EVALUATION = "evaluation.json"


def write_report(out: Path, found: Mapping[str, Any]) -> list[Path]:
    """Write evaluation.json, report.md and the pictures; return what was written.

    Raises:
        ModPluralError: If a file cannot be written.
    """
    write_json(out / EVALUATION, found)
    pictures = _pictures(out, found)
    write_text(out / "report.md", markdown(found))
    return [out / EVALUATION, out / "report.md", *pictures]


def write_back(pool: Pool, found: Mapping[str, Any]) -> list[Path]:
    """Write each community's slice into its adapter's folder, where that is local; return the files."""
    written = []
    for member in pool.community_members:
        if member.adapter is not None and Path(member.adapter.path).is_dir():
            path = Path(member.adapter.path) / EVALUATION
            write_json(path, community_slice(found, member.name))
            written.append(path)
    return written


def community_slice(found: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Figures of an evaluation for one community, in the shape of the whole (so that a card reads both).

    Returns:
        ``modplural``, ``community``, ``pool``, ``fingerprint``, ``backbone``, ``communities``, and for the parts that
        there are: ``perplexity`` of this community's text by all readers, with ``reads`` (how this community reads each
        text); ``agreement`` and ``messages`` with this community alone; ``distinctness`` with ``distance_to`` each
        community and its own ``self_bleu``.
    """
    made: dict[str, Any] = {"modplural": __version__, "community": name}
    made |= {key: found.get(key) for key in ("pool", "fingerprint", "backbone", "communities")}
    if found.get("perplexity"):
        made["perplexity"] = _own_perplexity(found["perplexity"], name)
    for part in ("agreement", "messages"):
        if name in (found.get(part) or {}):
            made[part] = {name: found[part][name]}
    apart = found.get("distinctness")
    if apart:
        distances = apart["embedding_distance"]
        line = apart["communities"].index(name)
        made["distinctness"] = {
            "judge": apart["judge"],
            "distance_to": dict(zip(apart["communities"], distances[line], strict=True)) if distances else None,
            "self_bleu": {name: apart["self_bleu"][name]},
        }
    return made


def _own_perplexity(read: Mapping[str, Any], name: str) -> dict[str, Any]:
    made: dict[str, Any] = {"unit": read["unit"], "texts": [], "readers": read["readers"], "table": []}
    if name in read["readers"]:
        row = read["table"][read["readers"].index(name)]
        made["reads"] = dict(zip(read["texts"], row, strict=True))
    if name in read["texts"]:
        column = read["texts"].index(name)
        made |= {"texts": [name], "table": [[row[column]] for row in read["table"]]}
        made |= {kind: {name: read[kind].get(name)} for kind in ("tokens", "documents", "own", "sources")}
    return made


def markdown(found: Mapping[str, Any]) -> str:
    """The report as Markdown."""
    parts = [
        f"# Communities of the pool {found['pool']}\n",
        f"Backbone: {found['backbone'] or 'none'}. Pool fingerprint: `{found['fingerprint'][:16]}`. "
        f"modplural {__version__}.\n",
    ]
    for table in report_tables(found):
        head = [f"| {' | '.join(table.columns)} |", f"|{'---|' * len(table.columns)}"]
        body = [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in table.rows]
        picture = [f"\n![{table.title}]({table.picture})"] if table.picture else []
        parts.append(
            "\n".join([f"## {table.title}\n", *head, *body, *([f"\n{table.note}"] if table.note else []), *picture])
            + "\n"
        )
    if found.get("notes"):
        parts.append("## Left out, and other notes\n\n" + "\n".join(f"- {note}" for note in found["notes"]) + "\n")
    return "\n".join(parts)


def _pictures(out: Path, found: Mapping[str, Any]) -> list[Path]:
    made = []

    def draw(name: str, values: Any, rows: Sequence[str], columns: Sequence[str], title: str, **options: Any) -> None:
        heatmap(out / name, values, rows, columns, title=title, **options)
        made.append(out / name)

    read, apart, summary = (found.get(part) for part in ("perplexity", "distinctness", "agreement_summary"))
    if read:
        # Texts differ in difficulty: colours compare the readers of one text.
        titles = {"title": "Perplexity per token\n(colour: against the text's best reader)", "row_title": "reader"}
        draw(
            "perplexity.svg",
            read["table"],
            read["readers"],
            read["texts"],
            column_title="held-out text of",
            shades=_ratios(read["table"]),
            **titles,
        )
    if found.get("agreement") and summary:
        names = summary["names"]
        titles = {"title": "JS distance of answers to groups", "row_title": "answers of", "column_title": "groups of"}
        draw("agreement.svg", summary["table"], names, names, form=".3f", **titles)
    if apart and apart["embedding_distance"]:
        names = apart["communities"]
        draw(
            "embedding_distance.svg",
            apart["embedding_distance"],
            names,
            names,
            "Embedding distance of messages",
            form=".3f",
        )
    if apart:
        names = apart["communities"]
        draw("bleu.svg", apart["pair_bleu"], names, names, "BLEU between messages to one question", form=".1f")
    return made


def _ratios(table: Sequence[Sequence[float | None]]) -> list[list[float | None]]:
    """Logarithm of each figure over the least of its column."""
    least = [min((value for value in column if value is not None), default=1.0) for column in zip(*table, strict=True)]
    return [
        [None if value is None else math.log(value / low) for value, low in zip(line, least, strict=True)]
        for line in table
    ]
