"""An LLM judge for pairs of answers: any backend of the harness, asked in both orders, never asked twice."""

from __future__ import annotations

import io
import logging
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from community_lms.pools.identity import identity, weights_identity
from community_lms.pools.spec import Community, Endpoint, Weights
from community_lms.weights.embedded import EMBEDDED
from model_wrappers.arguments import read_arguments
from model_wrappers.base.account import PAYING, account_of, attach
from model_wrappers.base.build import LOCAL, build_base
from model_wrappers.base.chat import apply_template
from model_wrappers.base.llm import BaseLLM
from model_wrappers.judging.prompts import JudgePrompt
from model_wrappers.judging.verdict_log import JudgeReply, VerdictLog, reply_key
from plural_tasks.pairwise import ORDERS, JudgedPair, Order, Pair, as_verdict, parse_verdict
from plural_tasks.utils.errors import ModPluralError, one_line

TASK = "pairwise"
_IRRELEVANT = {
    "batch_size",
    "max_batch_size",
    "device",
    "num_concurrent",
    "max_retries",
    "timeout",
    "trust_remote_code",
}

logger = logging.getLogger(__name__)


@dataclass
class PairJudge:
    """An LLM that judges pairs of answers, and a count of its replies.

    Attributes:
        base: The model that judges; it generates text.
        name: Identity as plain JSON, part of the key of every reply (see `judge_identity`).
        prompt: Wording of the question.
        max_new_tokens: Tokens of a reply, at most.
        log: Log in which replies are kept.
        found: Number of replies that were in the log already.
        asked: Number of replies that were generated.
        chat: Whether prompts went through a chat template; None before the first one.
    """

    base: BaseLLM
    name: dict[str, Any]
    prompt: JudgePrompt
    max_new_tokens: int
    log: VerdictLog = field(default_factory=lambda: VerdictLog(None))
    found: int = 0
    asked: int = 0
    chat: bool | None = None

    def judge(self, pairs: Sequence[Pair], *, progress: bool = True) -> list[JudgedPair]:
        """Return the verdicts on pairs, each asked in both orders; replies in the log are not asked again.

        A reply that cannot be read stays so: it is counted and never asked for again.

        Raises:
            ModPluralError: If the judge does not answer; earlier replies are in the log.
        """
        questions = [self._question(pair, order) for pair in pairs for order in ORDERS]
        missing = {question.key: question for question in questions if self.log.get(question.key) is None}
        self.found += len(questions) - len(missing)
        self._ask(list(missing.values()), len(questions), progress)
        verdict_of = {key: parse_verdict(self.log.get(key) or "") for key in {question.key for question in questions}}
        verdicts = [as_verdict(verdict_of[question.key], question.order) for question in questions]
        both = zip(verdicts[::2], verdicts[1::2], strict=True)
        return [JudgedPair(pair.id, pair.cluster, ab, ba) for pair, (ab, ba) in zip(pairs, both, strict=True)]

    def _question(self, pair: Pair, order: Order) -> _JudgeQuestion:
        first, second = (pair.a, pair.b) if order == "ab" else (pair.b, pair.a)
        context = self._render(self.prompt.render(pair.situation, first, second))
        text = str(getattr(context, "prompt", context))
        return _JudgeQuestion(reply_key(self._facts(), text, pair.digest, order), pair, order, context, text)

    def _facts(self) -> dict[str, Any]:
        return {**self.name, "max_new_tokens": self.max_new_tokens, "temperature": 0}

    def _render(self, text: str) -> Any:
        if self.chat is not False:
            try:
                context = apply_template(self.base, [{"role": "user", "content": text}])
            except Exception as error:  # a backend without a chat template says so in many ways
                if self.chat:
                    raise
                logger.info("the judge has no chat template (%s); it is asked in plain text", one_line(error)[:200])
            else:
                self.chat = True
                return context
        self.chat = False
        return text

    def _ask(self, questions: Sequence[_JudgeQuestion], total: int, progress: bool) -> None:
        from tqdm import tqdm

        size = _together(self.base)
        done = total - len(questions)
        with tqdm(total=total, initial=done, desc="Verdicts", unit="verdict", disable=not progress) as bar:
            for start in range(0, len(questions), size):
                chunk = questions[start : start + size]
                self.log.put([self._reply(one, text) for one, text in zip(chunk, self._texts(chunk), strict=True)])
                self.asked += len(chunk)
                bar.update(len(chunk))

    def _reply(self, question: _JudgeQuestion, text: str) -> JudgeReply:
        verdict = as_verdict(parse_verdict(text), question.order)
        pair = question.pair
        return JudgeReply(
            question.key, pair.id, question.order, verdict, text, self._facts(), pair.digest, question.text
        )

    def _texts(self, chunk: Sequence[_JudgeQuestion]) -> list[str]:
        from lm_eval.api.instance import Instance

        settings = {"until": [], "max_gen_toks": self.max_new_tokens, "do_sample": False, "temperature": 0}
        instances = [
            Instance("generate_until", {}, (question.context, dict(settings)), 0, (TASK, number, 1))
            for number, question in enumerate(chunk)
        ]
        try:
            with redirect_stderr(io.StringIO()):  # backends draw a progress bar of their own for each call
                return [str(text or "") for text in self.base.write(instances)]
        except ModPluralError:
            raise
        except Exception as error:  # backends raise whatever their client or server raises
            raise ModPluralError(
                f"the judge did not answer ({type(error).__name__}: {one_line(error)[:300]}). {len(self.log)} replies "
                f"are kept in {self.log.path or 'memory'}; the same command goes on from them."
            ) from error


@dataclass(frozen=True)
class _JudgeQuestion:
    key: str
    pair: Pair
    order: Order
    context: Any
    text: str


def build_judge(
    arguments: Mapping[str, Any], prompt: JudgePrompt, output: Path | None, *, max_new_tokens: int | None = None
) -> PairJudge:
    """Build a judge.

    Args:
        arguments: ``base`` (``hf`` by default), ``base_args``, what the backend takes, and `PAYING`.
        prompt: Wording of the question.
        output: File of the replies; opened before the model is loaded, which may take minutes. None keeps nothing.
        max_new_tokens: Tokens of a reply, at most; by default as the prompt says.

    Raises:
        ModPluralError: If the file, the backend or an argument cannot be used.
    """
    rest = dict(arguments)
    base, unchecked = str(rest.pop("base", "hf")), rest.pop("base_args", None) or {}
    if not isinstance(unchecked, Mapping):
        raise ModPluralError(f"model_args: base_args is {unchecked!r}, expected a JSON object.")
    paying = {name: rest.pop(name) for name in PAYING & rest.keys()}
    settings = read_arguments({**paying, "base": base})
    account = account_of(settings, None)
    log = VerdictLog(output)
    model = build_base(base, rest, unchecked)
    attach(model, account, settings, {**rest, **unchecked})
    return PairJudge(
        base=model,
        name=judge_identity(base, {**rest, **unchecked}),
        prompt=prompt,
        max_new_tokens=max_new_tokens or prompt.max_new_tokens,
        log=log,
    )


def judge_identity(base: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Identity of a judge as plain JSON: its backend, the arguments that decide replies, and its weights.

    Weights on the Hub are named by repository and revision, local ones by a digest; credentials are left out, and so
    is what only decides how fast an answer comes.
    """
    given = {name: value for name, value in arguments.items() if name not in _IRRELEVANT and value is not None}
    weights = given.pop("pretrained", EMBEDDED if base in LOCAL else None)
    endpoint = Endpoint(backend=base, args=given)
    named: dict[str, Any] = identity(Community(name="judge", description="judge", endpoint=endpoint))["endpoint"]
    if weights is not None:
        named["weights"] = weights_identity(Weights(path=str(weights), revision=given.get("revision")))
    return named


def _together(base: BaseLLM) -> int:
    """Number of questions to ask, and commit, at a time: as many as the backend answers at once.

    A number that the backend settles while it runs (``auto``) counts as 16.
    """
    sizes = [1]
    for name in ("batch_size", "_concurrent"):
        value = getattr(base.model, name, 1)
        sizes.append(int(value) if str(value).isdigit() else 16)
    return max(sizes)
