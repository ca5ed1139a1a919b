"""The figures of an evaluation as tables of text, for the console and the report."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ReportTable:
    """A table of text.

    Attributes:
        title: Heading of the table.
        columns: Names of the columns; the first column names the rows.
        rows: Cells, row by row.
        note: Explanation under the table; "" for none.
        picture: File name of the same table as a picture; "" for none.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    picture: str = ""


def report_tables(found: Mapping[str, Any]) -> list[ReportTable]:
    """The tables of an evaluation, for those parts that it has."""
    made: list[ReportTable] = []
    if found.get("perplexity"):
        made += _perplexity(found["perplexity"])
    if found.get("agreement"):
        made += _agreement(found["agreement"], found["agreement_summary"])
    if found.get("distinctness"):
        made += _distinctness(found["distinctness"])
    if found.get("messages"):
        made.append(_messages(found["messages"]))
    return made


def _perplexity(read: Mapping[str, Any]) -> list[ReportTable]:
    best = read["best"]
    summary = f"{best['own']} of {best['of']} communities read their own text best, the bare backbone included."
    if best["exceptions"]:
        better = ", ".join(f"{name} (better: {who})" for name, who in best["exceptions"].items())
        summary += f" Exceptions: {better}."
    sizes = "; ".join(
        f"{name} {read['documents'][name]} texts, {read['tokens'][name]} tokens" for name in read["texts"]
    )
    held_out = all(source.endswith("held-out part") for source in read["sources"].values())
    cross = ReportTable(
        f"Perplexity of {'held-out ' if held_out else ''}texts",
        ("reader", *read["texts"]),
        tuple((who, *(_figure(value, 2) for value in line)) for who, line in _lines(read)),
        f"{read['unit'].capitalize()}; a column is one community's text, lower is better. {summary} Texts: {sizes}.",
        "perplexity.svg",
    )
    own = [
        (
            name,
            _gap(one.get("against_backbone")),
            _gap(one.get("against_other")),
            (one.get("against_other") or {}).get("reader", "-"),
        )
        for name, one in read["own"].items()
    ]
    if not own:
        return [cross]
    note = (
        "Log-perplexity (nats per token) of the own community LM minus the other reader's, with 95 % intervals of a "
        "paired bootstrap over documents, those on one question together; below 0 the own one reads better. The best "
        "other is picked on the same texts, which is in its favour."
    )
    columns = ("text", "own - backbone", "own - best other", "best other")
    return [cross, ReportTable("Own text against backbone and best other", columns, tuple(own), note)]


def _agreement(by: Mapping[str, Any], summary: Mapping[str, Any]) -> list[ReportTable]:
    rows = [
        (
            name,
            f"{_figure(one['js_distance'])} ± {_figure(one['standard_error'])}",
            _figure(one["uniform"]),
            _figure(one["floor"]),
            f"{_figure(one['accuracy'])} ± {_figure(one['accuracy_standard_error'])}",
            _figure(one["uniform_accuracy"]),
            str(one["n"]),
            f"{one['unparsed']} of {one['answers']}",
        )
        for name, one in by.items()
    ]
    columns = ("community", "JS distance", "uniform", "floor", "accuracy", "by chance", "questions", "unparsed")
    note = (
        "Held-out survey questions. JS distance (base 2, 0..1) of a community's stated answers to the mean shares of "
        "its groups, ± standard error clustered by question; beside it that of equal shares (uniform), and of as many "
        "answers drawn from the groups' shares (floor). Accuracy: its most frequent answer is the groups'. Messages "
        "that state no option count as unparsed."
    )
    main = ReportTable("Agreement with the own group's survey answers", columns, tuple(rows), note)
    kinds = ("against_uniform", "against_other_groups", "against_other_voices")
    gaps = [(name, *(_gap(one[kind]) for kind in kinds)) for name, one in (*by.items(), ("all", summary))]
    note = (
        "Differences of JS distances, paired by question, with 95 % intervals; below 0 speaks for the community. Its "
        "distance from its groups minus that of equal shares; minus its distance from the other communities' groups; "
        "minus the other communities' distance from its groups."
    )
    heads = ("community", "minus uniform", "minus to other groups", "minus other voices")
    paired = ReportTable("Nearer to its own groups?", heads, tuple(gaps), note)
    cross = ReportTable(
        "Distance of answers to groups",
        ("answers of", *summary["names"]),
        tuple(
            (name, *(_figure(value) for value in line))
            for name, line in zip(summary["names"], summary["table"], strict=True)
        ),
        "Mean JS distance of a row's answers to a column's groups, over the questions that the groups were asked.",
        "agreement.svg",
    )
    return [main, paired, cross]


def _distinctness(apart: Mapping[str, Any]) -> list[ReportTable]:
    names = apart["communities"]

    def square(title: str, table: Sequence[Sequence[Any]], digits: int, note: str, picture: str) -> ReportTable:
        rows = tuple(
            (name, *(_figure(value, digits) for value in line)) for name, line in zip(names, table, strict=True)
        )
        return ReportTable(title, ("community", *names), rows, note, picture)

    made = []
    if apart["embedding_distance"]:
        note = (
            f"1 - cosine of {apart['judge']}, mean over messages to the same question; on the diagonal between samples "
            f"of one community. Between communities {_figure(apart['between'])}, within {_figure(apart['within'])}, "
            f"difference {_gap(apart['between_minus_within'])} (95 %, paired by question)."
        )
        made.append(
            square("Embedding distance of messages", apart["embedding_distance"], 3, note, "embedding_distance.svg")
        )
    note = "sacrebleu, one reference: a message of the column's community on the same question; high is alike."
    made.append(square("BLEU between messages", apart["pair_bleu"], 1, note, "bleu.svg"))
    rows = tuple((name, _figure(apart["self_bleu"][name], 1), str(apart["self_bleu_messages"][name])) for name in names)
    note = (
        "sacrebleu of each message with all other messages of its community as references; it grows with their number."
    )
    return [*made, ReportTable("Self-BLEU", ("community", "self-BLEU", "messages"), rows, note)]


def _messages(by: Mapping[str, Any]) -> ReportTable:
    kinds = ("empty", "refused", "degenerate", "cut_off")
    rows = tuple(
        (name, str(one["n"]), *(_percent(one[kind]) for kind in kinds), _figure(one["mean_tokens"], 1))
        for name, one in by.items()
    )
    note = (
        "Shares of messages; a message is empty, refused or degenerate (no letters, or more than 30 % of its 4-grams "
        "repeated) once at most. Cut off: as long as the decoding allows."
    )
    return ReportTable(
        "Messages", ("community", "messages", "empty", "refused", "degenerate", "cut off", "mean tokens"), rows, note
    )


def _lines(read: Mapping[str, Any]) -> list[tuple[str, list[float]]]:
    return list(zip(read["readers"], read["table"], strict=True))


def _figure(value: float | None, digits: int = 3) -> str:
    return "-" if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def _gap(difference: Mapping[str, Any] | None) -> str:
    """A difference with its interval, where there is one."""
    if difference is None or difference["estimate"] is None:
        return "-"
    low, high = difference["interval"]
    return f"{difference['estimate']:+.3f}" + ("" if low is None else f" [{low:+.3f}, {high:+.3f}]")
