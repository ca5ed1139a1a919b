"""What the page says of a comparison beside its ways: limits, tokens, phases, profiles, as Markdown."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

Entry = Mapping[str, Any]
"""A comparison in the results file."""

WIDTH = 130
"""Characters of a line of the page."""


def number(value: float) -> str:
    """Three significant digits, thousands apart."""
    if value == 0 or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def percent(share: float) -> str:
    """A share in percent, with one digit below 10 %."""
    return f"{100 * share:.1f} %" if abs(share) < 0.1 else f"{100 * share:.0f} %"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table; cells after the first are set to the right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return [f"| {' | '.join(cells)} |" for cells in (head, rule, *rows)]


def limit(figures: Entry) -> list[str]:
    """The rate that arithmetic and memory allow."""
    rates = f"{figures['rates']['matrix'] / 1e9:,.0f} GFLOP/s, {figures['rates']['copy'] / 1e9:,.0f} GB/s"
    return [
        f"Limit: {number(figures['limit_per_second'])} a second ({rates}, measured in the same process); "
        f"{percent(figures['share_of_limit'])} of it is reached."
    ]


def scoring(figures: Entry) -> list[str]:
    """The limit, the bare model and the tokens."""
    tokens = figures["tokens"]
    told = (
        f"{figures['prompts']} prompts of {tokens['asked']:,} tokens, of which {tokens['computed']:,} are computed "
        f"({tokens['computed_with_padding']:,} with padding)."
    )
    share = (
        "Ratios are by prompts. By tokens that are computed, where sharing earns nothing, modplural / bare model is "
        f"{number(figures['share_of_bare_model'])}: the share of the bare model at the top of the page."
    )
    return [*textwrap.wrap(share, WIDTH), "", *limit(figures), "", told]


def orders(figures: Entry) -> list[str]:
    """Tokens asked and computed."""
    rows = [[name, *(f"{counts[key]:,}" for key in counts)] for name, counts in figures["tokens"].items()]
    saved = f"Sharing saves {percent(figures['tokens_saved_by_sharing'])} of the tokens of several orders."
    return [*table(["", "prompts", "tokens asked", "tokens computed"], rows), "", saved]


def whole(figures: Entry) -> list[str]:
    """Seconds of the phases, ours and the published way's, and what was asked."""
    rows = [[name, number(found["all"]), number(found["model"])] for name, found in figures["phases"].items()]
    theirs = [[name, number(seconds)] for name, seconds in figures["published_phases"].items()]
    asked = ", ".join(f"{name} {number(count)}" for name, count in figures["asked"].items())
    return [
        *table(["phase", "seconds", "of a model"], rows),
        "",
        f"Time that is no model's: {percent(figures['overhead'])}, without the judge "
        f"{percent(figures['overhead_but_for_the_judge'])}. Loading: {number(figures['loading_seconds'])} s before, "
        f"{number(figures['loading_within_a_run'])} s in every run.",
        "",
        *table(["the published way, scaled", "seconds"], theirs),
        "",
        f"Asked: {asked}.",
    ]


def growth(figures: Entry) -> list[str]:
    """Peak memory of the pools."""
    rows = [[count, number(size / 1e6)] for count, size in figures["resident_bytes"].items()]
    adapter = f"An adapter's matrices: {figures['adapter_bytes'] / 1e6:.2f} MB in float32."
    return [*table(["communities", "peak memory, MB"], rows), "", adapter]


def shares(rows: Sequence[Entry], title: str) -> list[str]:
    """Parts of a profile."""
    return table([title, "share"], [[f"`{row['name']}`", percent(row["share"])] for row in rows])


def decoding(figures: Entry) -> list[str]:
    """Distance to the limits, and the operators of both kinds of call."""
    calls = {name: found for name, found in figures["limits"].items() if name != "rates"}
    rows = [
        [name, number(1000 * found["seconds"]), number(1000 * found["limit"]), percent(found["share"])]
        for name, found in calls.items()
    ]
    return [
        *table(["call", "ms", "limit, ms", "reached"], rows),
        "",
        *shares(figures["operators_reading"], "reading prompts"),
        "",
        *shares(figures["operators_decoding"], "decoding"),
    ]


def start_up(figures: Entry) -> list[str]:
    """Milliseconds with and without the hook."""
    parts = (("python -c pass", figures["python"]["wall_ms"]), ("lm_eval --help", figures["lm_eval"]))
    rows = [
        [f"`{command}`, {name}", *(number(found[key]) for key in ("median", "lower_quartile", "upper_quartile"))]
        for command, times in parts
        for name, found in times.items()
    ]
    return table(["ms", "median", "lower quartile", "upper quartile"], rows)


MORE: dict[str, Callable[[Entry], list[str]]] = {
    "messages": limit,
    "scoring": scoring,
    "orders": orders,
    "whole": whole,
    "growth": growth,
    "start_up": start_up,
    "decoding_profile": decoding,
    "scoring_profile": lambda figures: shares(figures["operators"], "operator"),
}
"""Comparison -> what the page says of it beside its ways."""
