"""Distance between the answers that communities state to survey questions and those of their own groups."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from community_lms.evaluation.groups import Groups, Target, target
from community_lms.messages.message import Message
from plural_tasks.metrics.corrected import corrected_match, most_likely
from plural_tasks.metrics.divergence import js_distance
from plural_tasks.metrics.parsing import parse_choice
from plural_tasks.metrics.uncertainty import clustered_interval, clustered_se, paired_difference
from plural_tasks.sources.surveys import SurveyQuestion

_DRAWS = 200
_FIRST = r"^[\s\"'“*_`(\[]*"
_LETTER_I = 9  # from nine options on, one of them is labelled I, which messages begin with for another reason


@dataclass(frozen=True)
class StatedAnswers:
    """A community's answers to one question.

    Attributes:
        shares: Share of each option, 0..1, among the messages that state one; None if no message does.
        stated: Number of messages that state an option.
        asked: Number of messages.
    """

    shares: tuple[float, ...] | None
    stated: int
    asked: int


def stated_option(message: str, options: Sequence[str]) -> int | None:
    """Return the index of the option that a message states, or None; nothing is guessed.

    The text of an option at the start counts; else the text of exactly one option anywhere, as whole words and not
    after "not"; else, where the message holds no option's text, its letter as `parse_choice` reads it (for up to eight
    options). An option such as "10 (very important)" may be stated by its number.
    """
    wordings = [_wording(option) for option in options]
    rest, hits = message, []
    # Longest first, so that "Somewhat agree" is not taken for "agree".
    for place in sorted(range(len(options)), key=lambda index: -len(wordings[index])):
        pattern = rf"(?<!\w)(?<!\bnot ){re.escape(wordings[place])}(?!\w)"
        if re.match(_FIRST + pattern, message, flags=re.IGNORECASE):
            return place
        if re.search(pattern, rest, flags=re.IGNORECASE):
            hits.append(place)
            rest = re.sub(pattern, " ", rest, flags=re.IGNORECASE)
    if hits or len(options) >= _LETTER_I:
        return hits[0] if len(hits) == 1 else None
    return parse_choice(message, options)


def _wording(option: str) -> str:
    """The text by which messages state an option: its number if it begins with one, else the whole."""
    numbered = re.match(r"\d+(?= \()", option)
    return numbered[0] if numbered else option.strip().rstrip(".")


def count_stated(messages: Sequence[Message], options: Sequence[str]) -> StatedAnswers:
    """Count the options that messages state."""
    found = [stated_option(message.text, options) for message in messages]
    stated = [place for place in found if place is not None]
    shares = tuple(stated.count(place) / len(stated) for place in range(len(options))) if stated else None
    return StatedAnswers(shares, len(stated), len(found))


def agreement(
    answers: Mapping[str, Mapping[str, Sequence[Message]]],
    questions: Sequence[SurveyQuestion],
    groups: Mapping[str, Groups],
) -> dict[str, Any]:
    """Compare communities' answers with their groups'.

    Returns:
        ``communities``: community -> `_community`, for those with groups; ``summary``: the paired differences over all
        communities, clustered by question; ``table``: mean JS distance of a row's answers to a column's groups, over
        the questions that the row answers and the column's groups were asked, with their number in ``n``; ``names``:
        communities of the rows and columns; ``without_groups``: the other communities.
    """
    counted = {
        name: {question.id: count_stated(answers[name][question.id], question.options) for question in questions}
        for name in answers
    }
    targets = {
        name: {question.id: found for question in questions if (found := target(question, groups[name])) is not None}
        for name in answers
        if name in groups
    }
    names = [name for name in targets if targets[name]]
    rows = {name: _rows(name, counted, targets, questions) for name in names}
    tables = [[_mean_distance(counted[row], targets[column]) for column in names] for row in names]
    return {
        "communities": {name: _community(rows[name], counted[name], targets[name], groups[name]) for name in names},
        "summary": _compared([row for name in names for row in rows[name]]),
        "names": names,
        "table": [[mean for mean, _ in row] for row in tables],
        "n": [[count for _, count in row] for row in tables],
        "without_groups": [name for name in answers if name not in names],
    }


def _rows(
    name: str,
    counted: Mapping[str, Mapping[str, StatedAnswers]],
    targets: Mapping[str, Mapping[str, Target]],
    questions: Sequence[SurveyQuestion],
) -> list[dict[str, Any]]:
    """One row of figures for each question that a community answers and its groups were asked."""
    made = []
    for question in questions:
        said, own = counted[name][question.id], targets[name].get(question.id)
        if own is None or said.shares is None:
            continue
        count = len(question.options)
        others = [by[question.id].shares for other, by in targets.items() if other != name and question.id in by]
        other_answers = [
            shares
            for other, by in counted.items()
            if other != name and other in targets and (shares := by[question.id].shares) is not None
        ]
        made.append(
            {
                "question": question.id,
                "js": js_distance(said.shares, own.shares),
                "accuracy": modal_accuracy(said.shares, own.shares),
                "uniform": js_distance([1.0 / count] * count, own.shares),
                "uniform_accuracy": modal_accuracy([1.0 / count] * count, own.shares),
                "floor": sampling_floor(own.shares, said.stated),
                "other_groups": _mean([js_distance(said.shares, shares) for shares in others]),
                "other_voices": _mean([js_distance(shares, own.shares) for shares in other_answers]),
            }
        )
    return made


def modal_accuracy(shares: Sequence[float], gold: Sequence[float]) -> float:
    """1 if the most frequent answer is the groups' most frequent one, else 0; of a tie, the share that is right."""
    return corrected_match(shares, most_likely(gold))


def sampling_floor(shares: Sequence[float], count: int) -> float:
    """Mean JS distance to ``shares`` of ``count`` answers drawn from ``shares`` themselves (200 seeded draws).

    A few answers never show the shares exactly: a community that speaks perfectly for its groups has this distance.
    """
    import numpy as np

    drawn = np.random.default_rng(0).multinomial(count, np.asarray(shares) / sum(shares), size=_DRAWS)
    kinds, times = np.unique(drawn, axis=0, return_counts=True)
    return float(np.average([js_distance(row.tolist(), shares) for row in kinds], weights=times))


def _community(
    rows: Sequence[Mapping[str, Any]],
    counted: Mapping[str, StatedAnswers],
    targets: Mapping[str, Target],
    groups: Groups,
) -> dict[str, Any]:
    asked = [counted[question] for question in targets]
    clusters = [row["question"] for row in rows]
    js, accuracy = [row["js"] for row in rows], [row["accuracy"] for row in rows]
    return {
        "js_distance": _mean(js),
        "standard_error": clustered_se(js, clusters),
        "interval": clustered_interval(js, clusters),
        "accuracy": _mean(accuracy),
        "accuracy_standard_error": clustered_se(accuracy, clusters),
        "n": len(rows),
        "uniform": _mean([row["uniform"] for row in rows]),
        "uniform_accuracy": _mean([row["uniform_accuracy"] for row in rows]),
        "floor": _mean([row["floor"] for row in rows]),
        **_compared(rows),
        "unanswered_questions": sum(one.shares is None for one in asked),
        "answers": sum(one.asked for one in asked),
        "unparsed": sum(one.asked - one.stated for one in asked),
        "groups": groups.entries,
    }


def _compared(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Paired differences of JS distances; below 0 speaks for the community.

    ``against_uniform``: from its groups, beside equal shares. ``against_other_groups``: beside its distance from the
    groups of the other communities. ``against_other_voices``: beside the distance of the other communities' answers
    from its groups.
    """
    clusters = [row["question"] for row in rows]
    js = [row["js"] for row in rows]
    return {
        f"against_{name}": asdict(paired_difference(js, [row[name] for row in rows], clusters))
        for name in ("uniform", "other_groups", "other_voices")
    }


def _mean_distance(counted: Mapping[str, StatedAnswers], targets: Mapping[str, Target]) -> tuple[float, int]:
    found = [
        js_distance(shares, one.shares)
        for question, one in targets.items()
        if (shares := counted[question].shares) is not None
    ]
    return _mean(found), len(found)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan
