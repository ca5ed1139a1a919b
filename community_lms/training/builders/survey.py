"""Survey answers of groups, in the layout of SubPOP (Suh et al. 2025, arXiv 2502.16761), voiced as comments.

A row has ``question``, ``options`` (texts), the group (``attribute`` and ``group``, as ``POLPARTY`` and ``Democrat``;
or one of them) and ``responses``: the share of the group that chose each option. The items of `plural_tasks` are read
too.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from typing import Any

from community_lms.training.builders.base import Builder, CorpusRequest, by_place, column, community_name
from community_lms.training.corpus import Record
from community_lms.training.rows import rows
from community_lms.training.tally import CorpusTally
from plural_tasks.sources.base import LocatedRow
from plural_tasks.sources.dont_know import states_no_opinion
from plural_tasks.sources.fields import literal, proportions
from plural_tasks.utils.errors import ModPluralError

COMMENT_TEMPLATES = (
    "My answer is: {option}",
    "I would say: {option}",
    "If I am asked, then this: {option}",
    "For me it is clear: {option}",
    "What I think is this: {option}",
    "I go with: {option}",
    "I choose this one: {option}",
    "The one that fits me: {option}",
    "This is how I see it: {option}",
    "Of all of these, I would take: {option}",
    "Speaking for myself: {option}",
    "The way I feel about it: {option}",
)
MOST_ORDERS = 24
SUBPOP_LICENCE = "CC-BY-NC-SA-4.0"


def records(request: CorpusRequest, tally: CorpusTally) -> Iterator[Record]:
    """Yield ``request.answers`` answers for each row, options chosen in proportion to the shares.

    The draw is systematic: an option of share p is chosen n p times, rounded up or down at random, so that the mean is
    right. Each answer sees the options in a random order, and no two of a row are the same in order and wording.
    Options that state no opinion are left out.
    """
    for row in rows(request.path, split=request.split, revision=request.revision, subset=request.subset):
        tally.read += 1
        question = str(column(row, "question")).strip()
        options, shares = _answered(row)
        community = _community(row, request.by, tally)
        if not community:
            continue
        if len(options) < 2:
            tally.drop("fewer than two options")
            continue
        chance = random.Random(f"{request.seed}|{community}|{question}")
        licence = SUBPOP_LICENCE if request.path == SURVEY.hub else ""
        for prompt, comment in as_comments(question, options, shares, request.answers, chance):
            yield SURVEY.record(request, community, prompt, comment, licence)


def as_comments(
    question: str, options: Sequence[str], shares: Sequence[float], answers: int, chance: random.Random
) -> list[tuple[str, str]]:
    """Return prompts and comments; see `records`.

    Args:
        question: The question, without its options.
        options: At least two texts.
        shares: One for each option; they sum to 1.
        answers: 1..24.
        chance: Source of the draw, the orders and the wordings.
    """
    used: dict[int, Iterator[tuple[tuple[int, ...], str]]] = {}
    made = []
    for chosen in _drawn(shares, answers, chance):
        if chosen not in used:
            ways = list(itertools.product(_orders(len(options), chance), COMMENT_TEMPLATES))
            used[chosen] = iter(chance.sample(ways, answers))
        order, template = next(used[chosen])
        listed = "\n".join(f"- {options[index]}" for index in order)
        made.append((f"{question}\n\n{listed}", template.format(option=options[chosen])))
    return made


def _drawn(shares: Sequence[float], answers: int, chance: random.Random) -> list[int]:
    bounds = list(itertools.accumulate(shares))
    start = chance.random()
    points = ((start + step) / answers * bounds[-1] for step in range(answers))
    drawn = [next((place for place, bound in enumerate(bounds) if point < bound), len(bounds) - 1) for point in points]
    chance.shuffle(drawn)
    return drawn


def _orders(n_options: int, chance: random.Random) -> list[tuple[int, ...]]:
    """All orders of up to four options, else some of them."""
    if n_options <= 4:
        return list(itertools.permutations(range(n_options)))
    return list({tuple(chance.sample(range(n_options), n_options)): None for _ in range(MOST_ORDERS)})


def _answered(row: LocatedRow) -> tuple[list[str], list[float]]:
    """The options that state an opinion, and the shares among them."""
    try:
        options = [str(option).strip() for option in _listed(column(row, "options"), "options")]
        shares = _listed(column(row, "responses", "shares", "gold_distribution", "distribution"), "responses")
        if len(options) != len(shares):
            raise ValueError(f"found {len(options)} options and {len(shares)} shares, expected as many.")
        kept = [place for place, option in enumerate(options) if not states_no_opinion(option)]
        if len(kept) < 2:
            return [], []
        return [options[place] for place in kept], list(proportions([shares[place] for place in kept], "responses"))
    except ModPluralError:
        raise
    except ValueError as error:
        raise ModPluralError(f"{row.where}: {error}") from error


def _listed(value: Any, field: str) -> list[Any]:
    if isinstance(value, str):
        value = literal(value, field)
    if not isinstance(value, list | tuple):
        raise ValueError(f"field {field!r}: found {type(value).__name__}, expected a list.")
    return list(value)


def _community(row: LocatedRow, by: str, tally: CorpusTally) -> str:
    group = str(column(row, "group", "attribute", "community", "country") or "")
    if by != "group":
        return by_place(group, by, tally)
    both = dict.fromkeys(str(row[name]) for name in ("attribute", "group") if row.get(name))
    name = community_name(" ".join(both) or group)
    if not name:
        tally.drop("no group")
    return name


SURVEY = Builder(
    name="survey",
    title="Survey answers by group",
    reads="rows of question, options, group and answer shares (SubPOP layout; items of plural_tasks), files or Hub",
    records=records,
    by=("group", "country", "continent"),
    hub="jjssuh/subpop",
    licence_note=f"SubPOP {SUBPOP_LICENCE}; of other surveys say it with --licence",
)
