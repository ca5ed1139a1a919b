"""The base LLM: a model of the harness, and how it is asked."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from community_lms.remote.abilities import Abilities, abilities_of
from community_lms.remote.account import Account
from community_lms.remote.advice import needs_chat
from community_lms.remote.client import RemoteModel
from community_lms.remote.retry import RetryPolicy
from plural_tasks.utils.errors import ModPluralError, one_line

Scored = tuple[float, bool]
"""The natural log-likelihood of a continuation, and whether every token of it is the most likely one."""


class BaseLLM:
    """Any backend of the harness as a black box: its weights are never touched.

    A request goes the quickest way that gives the harness's results: models behind APIs are asked one request at a time
    by `community_lms.remote`, models of transformers in this process score and write by `scorer` and `writer`, and all
    others answer as the harness has it.

    Attributes:
        model: The harness's model.
    """

    def __init__(self, model: Any) -> None:
        """Make a base LLM of a model that is loaded already."""
        self.model = model
        self._remote: RemoteModel | None = None
        self._quick: tuple[Any, Any] | None = None
        self._left_to_harness = False

    @property
    def kind(self) -> type:
        """The harness's class of the model."""
        return type(self.model)

    @property
    def abilities(self) -> Abilities:
        """What a model of that class can do."""
        return abilities_of(self.kind)

    @property
    def name(self) -> str:
        """The name of that class."""
        return self.kind.__name__

    def leave_to_harness(self) -> None:
        """From now on answer every request as the harness has it."""
        self._left_to_harness = True

    def connect(self, account: Account, retry_policy: RetryPolicy) -> None:
        """Ask a model behind an API out of ``account``, again as ``retry_policy`` says; other models stay as they are.

        Raises:
            ModPluralError: If the account's budget is one of cost, and the model has no price.
        """
        if self.abilities.asked_here:
            self._remote = RemoteModel(self.model, account, retry_policy)

    @property
    def remote(self) -> RemoteModel | None:
        """The client of a model behind an API; None for a model that answers for itself, or is left to the harness."""
        return None if self._left_to_harness or not self.abilities.asked_here else self.client

    @property
    def client(self) -> RemoteModel:
        """As `remote`, but for every model: for requests that the harness has no way to make."""
        if self._remote is None:
            self._remote = RemoteModel(self.model)
        return self._remote

    def score(self, instances: Sequence[Any]) -> list[Scored]:
        """Answer ``loglikelihood`` requests; see `ask`."""
        return self.ask("loglikelihood", instances)

    def write(self, instances: Sequence[Any]) -> list[str]:
        """Answer ``generate_until`` requests; see `ask`."""
        return self.ask("generate_until", instances)

    def ask(self, kind: str, instances: Sequence[Any]) -> list[Any]:
        """Answer requests of one kind.

        Args:
            kind: ``loglikelihood``, ``generate_until`` or ``loglikelihood_rolling``.
            instances: The harness's requests.

        Returns:
            One answer for each request, in order.

        Raises:
            ModPluralError: If the model cannot answer that kind, needs chat prompts and got plain ones, or is a server
                that does not answer (`RemoteError`), or the next request could go over the budget
                (`BudgetReachedError`).
        """
        try:
            return self._answer(kind, list(instances)) if instances else []
        except NotImplementedError as error:
            raise ModPluralError(
                f"the base LLM ({self.name}) cannot answer {kind} requests ({one_line(error)[:200]}). Choose tasks "
                "that are answered by generation, or a base that gives log-likelihoods."
            ) from error
        except AssertionError as error:
            if "apply_chat_template" not in str(error):
                raise
            raise needs_chat(self.model) from error
        except Exception as error:  # a server's client raises whatever the connection or the answer raises
            if isinstance(error, ModPluralError) or not self.abilities.is_api:
                raise
            raise ModPluralError(
                f"the base LLM ({self.name}) did not answer ({type(error).__name__}: {one_line(error)[:300]})."
            ) from error

    def _answer(self, kind: str, instances: list[Any]) -> list[Any]:
        remote = self.remote
        if remote is not None and all(len(instance.args) <= 2 for instance in instances):  # no pictures
            return list(_REMOTELY[kind](remote, instances))
        scorer, writer = self._find_quick()
        if kind == "loglikelihood" and scorer is not None:
            return list(scorer.score([instance.args for instance in instances]))
        if kind == "generate_until" and writer is not None:
            return list(writer.write(instances))
        return list(getattr(self.model, kind)(instances))

    def _find_quick(self) -> tuple[Any, Any]:
        """What scores and what writes in the model's place, None for itself; found once, for it proves itself first."""
        if self._left_to_harness or "lm_eval.models.huggingface" not in sys.modules:
            return None, None
        if self._quick is None:
            from model_wrappers.base import scorer, writer

            self._quick = (
                scorer.Scorer(self.model) if scorer.suits(self.model) else None,
                writer.Writer(self.model) if writer.suits(self.model) else None,
            )
        return self._quick


_REMOTELY: Mapping[str, Callable[[RemoteModel, Sequence[Any]], Sequence[Any]]] = {
    "generate_until": RemoteModel.write,
    "loglikelihood": RemoteModel.score,
    "loglikelihood_rolling": RemoteModel.score_whole,
}
