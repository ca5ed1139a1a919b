"""Log-probabilities of the first token of chat completions: what is shown, and bounds for what is not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from model_wrappers.collaboration.elicitation.base import Elicited, Job, log_scores, require_options
from model_wrappers.collaboration.elicitation.completions import TOP, TOP_LOGPROBS
from model_wrappers.collaboration.session import Session
from plural_tasks.utils.errors import ModPluralError

_AROUND = " \t\r\n\"'“”*_`([{)]}.,:"


@dataclass(frozen=True)
class Shown:
    """What the first token's alternatives say about the options.

    Attributes:
        options: Probability shown for each option.
        hidden: Probability of what is not shown, or does not yet say which option it begins, 0..1.
    """

    options: tuple[float, ...]
    hidden: float

    @property
    def mass(self) -> float:
        """Shown for all options together."""
        return math.fsum(self.options)

    @property
    def shares(self) -> list[float]:
        """The distribution of what is shown; all 0 where nothing is."""
        return [shown / self.mass if self.mass else 0.0 for shown in self.options]

    @property
    def bounds(self) -> list[tuple[float, float]]:
        """Lowest and highest share of each option.

        An option's share is lowest, s / (S + h), when all that is hidden belongs to others, and highest,
        (s + h) / (S + h), when all of it is its own.
        """
        whole = self.mass + self.hidden
        if whole == 0.0:
            return [(0.0, 1.0) for _ in self.options]
        return [(shown / whole, min(1.0, (shown + self.hidden) / whole)) for shown in self.options]


def read_tokens(tokens: Sequence[tuple[str, float]], choices: Sequence[str]) -> Shown:
    """Sum up the tokens that begin an option.

    Args:
        tokens: Alternatives of the first token with their natural log-probabilities.
        choices: Letters, or texts. A letter is any token that holds nothing else but white space and punctuation, in
            upper case (``A``, `` A``, ``(A``, ``A.``, ``"A"``). A text has the tokens that begin it alone.

    Returns:
        Tokens of white space or punctuation, and beginnings that texts share, count as hidden.
    """
    letters = all(len(choice) == 1 for choice in choices)
    options, undecided, total = [0.0] * len(choices), 0.0, 0.0
    for token, logprob in tokens:
        probability = math.exp(min(logprob, 0.0))
        total += probability
        core = token.strip(_AROUND) if letters else token.strip()
        begun = [
            place
            for place, choice in enumerate(choices)
            if (core == choice if letters and core else choice.startswith(core))
        ]
        if len(begun) == 1:
            options[begun[0]] += probability
        elif begun:
            undecided += probability
    return Shown(tuple(options), min(1.0, undecided + max(0.0, 1.0 - total)))


def first_token_rows(jobs: Sequence[Job], session: Session) -> list[Elicited]:
    """One row for each prompt, from one completion of one token; see `Route.elicit`.

    Raises:
        ModPluralError: If the server shows no log-probabilities, or a document declares no options.
    """
    require_options(jobs, "elicitation=logprob of a chat API")
    asked = [job.instance("generate_until", job.weighted.context, dict(TOP_LOGPROBS), "scoring") for job in jobs]
    rows = []
    for job, tokens in zip(jobs, session.base.client.first_tokens(asked), strict=True):
        if tokens is None:
            raise ModPluralError(
                f"elicitation=logprob: the server of the base LLM ({session.base.name}) shows no "
                f"log-probabilities of chat completions, expected those of logprobs=true, top_logprobs={TOP}. "
                "Take elicitation=sample or elicitation=verbalised."
            )
        rows.append(_row(read_tokens(tokens, [continuation.strip() for continuation in job.continuations])))
    return rows


def _row(shown: Shown) -> Elicited:
    note = {"shown": list(shown.options), "hidden": shown.hidden, "bounds": [list(pair) for pair in shown.bounds]}
    scores = [(value, bool(shown.mass)) for value, _ in log_scores(shown.shares, shown.mass)]
    best = max(value for value, _ in scores)
    return Elicited([(value, greedy and value == best) for value, greedy in scores], note, bounds=shown.bounds)
