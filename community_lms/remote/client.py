"""Ask a model through one of the harness's clients (``TemplateAPI``), request by request.

Address, headers, body and parsing are the client's; retries, the budget, and keeping each answer when it comes are done
here.
"""

from __future__ import annotations

import copy
import logging
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from community_lms.remote.abilities import abilities_of
from community_lms.remote.account import Account, Payment
from community_lms.remote.advice import check_key, explain, needs_chat
from community_lms.remote.answer_store import answer_key
from community_lms.remote.budget import Reservation
from community_lms.remote.concurrency import run_concurrently
from community_lms.remote.requests import RemotePrompt, read_answers
from community_lms.remote.responses import check_response, prompt_bytes, read_usage
from community_lms.remote.retry import RetryPolicy
from community_lms.remote.usage import Purpose
from plural_tasks.utils.progress import bar
from plural_tasks.utils.secrets import redact

NO_ANSWER = ""
"""Text of an answer whose content the server leaves out (``null``), as content filters and reasoning models may."""

_HARNESS_LOGS = ("lm_eval.models.api_models", "lm_eval.models.litellm_llms")


class RemoteModel:
    """A model behind an API.

    Attributes:
        client: The harness's client of the API.
        account: Account out of which requests are paid, and in which answers are kept.
        retry_policy: How requests are repeated.
        asked: Number of requests that were answered.
    """

    def __init__(self, client: Any, account: Account | None = None, retry_policy: RetryPolicy | None = None) -> None:
        """Connect a client to an account; nothing is sent.

        Raises:
            ModPluralError: If the client wants a key that is not set, or the budget is one of cost and the model has no
                price.
        """
        self.client = client
        self.account = account or Account()
        self.retry_policy = retry_policy or RetryPolicy()
        self.account.retry_policies.append(self.retry_policy)
        self.asked = 0
        self._lock = threading.Lock()
        self._chat = abilities_of(type(client)).openai_chat
        check_key(client)
        self.account.ledger.budget.check(self.model)

    @property
    def model(self) -> str:
        """The model's name."""
        return str(self.client.model)

    @property
    def address(self) -> str:
        """Address of the server; the client's class where only the client knows it."""
        return redact(str(self.client.base_url or type(self.client).__name__))

    def write(self, instances: Sequence[Any]) -> list[str]:
        """Return one text for each request of the harness's ``generate_until``."""
        phase = phase_of(instances, "answers")
        settings = [instance.args[1] for instance in instances]
        messages = self._encoded([instance.args[0] for instance in instances], settings)
        prompts = [
            RemotePrompt("text", message, own, purpose_of(instance, phase), sample=sample_of(instance))
            for instance, message, own in zip(instances, messages, settings, strict=True)
        ]
        return [NO_ANSWER if text is None else str(text) for text in self._answers(prompts, phase)]

    def first_tokens(self, instances: Sequence[Any]) -> list[list[tuple[str, float]] | None]:
        """Return the first token's log-probabilities of one completion per request; see `responses.first_tokens`."""
        phase = phase_of(instances, "scoring")
        prompts = [
            RemotePrompt("first_tokens", instance.args[0], instance.args[1], purpose_of(instance, phase))
            for instance in instances
        ]
        found = self._answers(prompts, phase)
        return [None if shown is None else [(str(token), float(value)) for token, value in shown] for shown in found]

    def score(self, instances: Sequence[Any]) -> list[tuple[float, bool]]:
        """Return log-likelihoods; the harness's ``loglikelihood`` checks and encodes the requests."""
        phase = phase_of(instances, "scoring")
        purposes = [purpose_of(instance, phase) for instance in instances]
        with self._scoring(purposes, phase):
            return list(self.client.loglikelihood(list(instances)))

    def score_whole(self, instances: Sequence[Any]) -> list[float]:
        """Return log-likelihoods of whole texts, as the harness's ``loglikelihood_rolling`` does."""
        with self._scoring((), phase_of(instances, "scoring")):
            return list(self.client.loglikelihood_rolling(list(instances)))

    @contextmanager
    def _scoring(self, purposes: Sequence[Purpose], phase: str) -> Iterator[None]:
        """Within this context, requests for scores that the client would send are sent here."""

        def ask(encoded: Sequence[Any], **_: Any) -> list[tuple[float, bool]]:
            known = purposes if len(purposes) == len(encoded) else [Purpose(phase)] * len(encoded)
            inputs, lengths, _ = self.client.batch_loglikelihood_requests([list(encoded)])
            prompts = [
                RemotePrompt("scores", tokens, None, purpose, length)
                for tokens, length, purpose in zip(inputs, lengths, known, strict=True)
            ]
            return [(float(value), bool(greedy)) for value, greedy in self._answers(prompts, phase)]

        self.client._loglikelihood_tokens = ask
        try:
            yield
        finally:
            del self.client._loglikelihood_tokens

    def _encoded(self, contexts: Sequence[Any], settings: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Prompts as the client sends them: tokens, cut from the left, where it sends tokens."""
        client = self.client
        if not client.tokenized_requests or not contexts:
            return list(contexts)
        encoded = client.tok_encode(list(contexts), add_special_tokens=client.add_bos_token)
        room = [client.max_length - own.get("max_gen_toks", client._max_gen_toks) for own in settings]
        if any(len(tokens) > most for tokens, most in zip(encoded, room, strict=True)):
            logging.getLogger(__name__).warning("prompts longer than max_length allows are cut from the left.")
        return [tokens[-most:] for tokens, most in zip(encoded, room, strict=True)]

    def _answers(self, prompts: Sequence[RemotePrompt], phase: str) -> list[Any]:
        """Take answers from the store, and ask for those that are missing, each distinct prompt once."""
        self._number(prompts)
        found: dict[str, Any] = {key: row.value for key, row in self.account.find(q.key for q in prompts).items()}
        missing = list({prompt.key: prompt for prompt in prompts if prompt.key not in found}.values())
        if missing:
            self.account.check_writable()
            total = len({prompt.key for prompt in prompts})
            with bar(phase, total, " answers", done=total - len(missing)) as progress, _quiet():

                def do(batch: Sequence[RemotePrompt]) -> None:
                    found.update(self._ask(batch))
                    self._show(progress, len(batch))

                work = list(self._batches(missing))
                run_concurrently(work, do, at_once=max(1, self.client._concurrent), stopped=self.retry_policy.stopped)
        return [found[prompt.key] for prompt in prompts]

    def _number(self, prompts: Sequence[RemotePrompt]) -> None:
        """Set the body, sample number and key of each prompt."""
        seen: Counter[str] = Counter()
        for prompt in prompts:
            prompt.body = self._checked_body(prompt)
            content = prompt.body.get("prompt")
            if isinstance(content, list) and len(content) == 1:
                prompt.body["prompt"] = content[0]  # whatever the batch size
            if prompt.kind == "scores":
                prompt.body["context_tokens"] = prompt.context_tokens
            if prompt.kind != "scores" and prompt.body.get("temperature"):
                equal = answer_key(prompt.kind, self.address, prompt.body, prompt.sample)
                prompt.sample += f".{seen[equal]}" if seen[equal] else ""
                seen[equal] += 1
            else:
                prompt.sample = "0"
            prompt.key = answer_key(prompt.kind, self.address, prompt.body, prompt.sample)

    def _checked_body(self, prompt: RemotePrompt) -> dict[str, Any]:
        try:
            return self._body([prompt])
        except AssertionError as error:
            if "apply_chat_template" not in str(error):
                raise
            raise needs_chat(self.client) from error

    def _batches(self, missing: Sequence[RemotePrompt]) -> Iterator[list[RemotePrompt]]:
        """Batches of prompts of one kind and decoding, as large as the user's ``batch_size``; each is one request."""
        size = 1 if self._chat else max(1, int(self.client._batch_size))
        groups: dict[str, list[RemotePrompt]] = {}
        for prompt in missing:
            groups.setdefault(repr((prompt.kind, prompt.settings)), []).append(prompt)
        for group in groups.values():
            for first in range(0, len(group), size):
                yield group[first : first + size]

    def _body(self, prompts: Sequence[RemotePrompt]) -> dict[str, Any]:
        client, first = self.client, prompts[0]
        body: dict[str, Any] = client._create_payload(
            client.create_message([prompt.content for prompt in prompts]),
            generate=first.kind != "scores",
            gen_kwargs=copy.deepcopy(dict(first.settings)) if first.settings is not None else None,
            seed=client._seed,
            eos=client.eos_string,
        )
        return body

    def _ask(self, prompts: Sequence[RemotePrompt]) -> dict[str, Any]:
        """Ask for the answers to some prompts in one request; keep them, and return them by key."""
        reservation = self._reserve(prompts)
        with self.account.paying(reservation, prompts, self.address) as payment:
            try:
                values = self.retry_policy.call(lambda: self._send(prompts, payment))
            except Exception as error:
                explained = explain(error, self.client, self.retry_policy)
                if explained is None:
                    raise
                raise explained from error
        with self._lock:
            self.asked += 1
        return {prompt.key: value for prompt, value in zip(prompts, values, strict=True)}

    def _reserve(self, prompts: Sequence[RemotePrompt]) -> Reservation:
        """Wait until the budget has enough left for a request."""
        body, budget = self._body(prompts), self.account.ledger.budget
        most = body.get("max_tokens", body.get("max_completion_tokens", self.client._max_gen_toks)) * len(prompts)
        while (reservation := budget.reserve(self.model, prompt_bytes(body), int(most))) is None:
            self.retry_policy.pause()
        return reservation

    def _send(self, prompts: Sequence[RemotePrompt], payment: Payment) -> list[Any]:
        """Send one request once, and return its answers, booked and kept."""
        first = prompts[0]
        with payment.attempt() as attempt:
            response = self.client.model_call(
                messages=[prompt.content for prompt in prompts],
                generate=first.kind != "scores",
                gen_kwargs=dict(first.settings) if first.settings is not None else None,
            )
            attempt.usage = read_usage(response)
            check_response(response, chat=self._chat)
            values = read_answers(response, prompts, self.client)
            payment.answered(values, attempt.usage)
        return values

    def _show(self, progress: Any, count: int) -> None:
        with self._lock:
            progress.update(count)
        total, again = self.account.ledger.budget.total, sum(self.retry_policy.retries.values())
        parts = [f"{total.tokens:,} tokens"]
        parts += [f"${total.cost:.4f}"] if total.cost else []
        parts += [f"{again} retries"] if again else []
        progress.set_postfix_str(", ".join(parts))


def phase_of(instances: Sequence[Any], usual: str) -> str:
    """Phase of the requests of one call, which have it in common."""
    found = getattr(instances[0], "purpose", None) if instances else None
    return str((found or {}).get("phase") or usual)


def sample_of(instance: Any) -> str:
    """Number of the answer among those drawn for one prompt; 0 where the request does not say."""
    return str((getattr(instance, "purpose", None) or {}).get("sample", 0))


def purpose_of(instance: Any, phase: str) -> Purpose:
    """Purpose of a request of the harness or of modplural."""
    found = getattr(instance, "purpose", None)
    task, doc, *_ = getattr(instance, "metadata", None) or ("", "")
    return Purpose(phase, str((found or {}).get("community", "")), str(task or ""), "" if doc is None else str(doc))


@contextmanager
def _quiet() -> Iterator[None]:
    """Within this context, the harness does not log each failure: they are counted, and reported when they last."""
    logs = [logging.getLogger(name) for name in _HARNESS_LOGS]
    for log in logs:
        log.addFilter(_is_news)
    try:
        yield
    finally:
        for log in logs:
            log.removeFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(("API request failed", "LiteLLM completion failed"))
