"""Checks of the base LLM: it is reached, answers, knows chats, gives distributions and reads the longest prompt."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from community_lms.remote.account import Account
from community_lms.remote.retry import RetryPolicy
from model_wrappers.base.build import build_base
from model_wrappers.base.chat import apply_template
from model_wrappers.base.llm import BaseLLM
from model_wrappers.collaboration.elicitation.auto import AUTO, choose
from model_wrappers.collaboration.elicitation.completions import tells_logprobs
from model_wrappers.doctor.base import Check, Finding, fault, note, ok
from model_wrappers.doctor.context import longest_prompts
from model_wrappers.doctor.visit import Visit
from model_wrappers.runs.dry_run import usual_selection
from plural_tasks.utils.errors import ModPluralError, one_line

AREA = "base LLM"
QUESTION = "Is water wet? Answer with one word."
SETUP = (
    "Look at base, pretrained and model in --model_args; of an API, at base_url and the variable with the key, and "
    "install modplural[api] where a package is missing."
)
ANSWER = "Look at model and base_url in --model_args, at the variable with the key, and at the server's log."
TEMPLATE = "Leave --apply_chat_template out, or take an instruction-tuned model."
SCORES = (
    "Take elicitation=sample or elicitation=verbalised, tasks that are answered by generation, or a base that gives "
    "log-probabilities (hf, vllm, local-completions on a server with echo and logprobs)."
)
SELECTION = "Take selection=generate, or a base that gives log-probabilities."


@dataclass
class BuiltBase:
    """A base LLM that is looked at.

    Attributes:
        base: The base LLM.
        chat: Whether prompts are put as chats.
    """

    base: BaseLLM
    chat: bool

    def context(self, text: str) -> Any:
        """The prompt that the run would make of a text."""
        return apply_template(self.base, [{"role": "user", "content": text}]) if self.chat else text


NEED_ANSWERS = ("distributions", "selection")
"""Names of the checks that are left out where the base LLM does not answer at all."""

Look = Callable[[Visit, BuiltBase], Iterator[Finding]]


def base_llms(visit: Visit) -> Iterator[Finding]:
    """Look at each base LLM, one in memory at a time."""
    settings, several = visit.settings, len(visit.base_arguments) > 1
    for arguments in visit.base_arguments:
        label = f" {arguments['pretrained']}" if several else ""
        try:
            base = build_base(settings.base, arguments, settings.base_args)
            if settings.base_engine == "harness":
                base.leave_to_harness()
                base.model.max_retries = 1
            else:
                base.connect(Account(), RetryPolicy(attempts=1))  # a look waits for nobody, and keeps nothing
        except ModPluralError as error:
            yield fault(f"set up{label}", str(error), SETUP)
            continue
        yield ok(f"set up{label}", f"{settings.base} {_named(arguments)}".strip())
        built = BuiltBase(base, bool(visit.config.apply_chat_template))
        answering = True
        for name, look, advice in LOOKS:
            if not answering and name in NEED_ANSWERS:
                continue
            for found in Check(AREA, f"{name}{label}", advice, _bound(look, built, label)).findings(visit):
                answering = answering and not (name == "answers" and found.level == "fault")
                yield found
        del base, built


def _bound(look: Look, built: BuiltBase, label: str) -> Callable[[Visit], Iterator[Finding]]:
    def bound(visit: Visit) -> Iterator[Finding]:
        for found in look(visit, built):
            yield Finding(f"{found.name}{label}", found.level, found.found, found.advice)

    return bound


def _named(arguments: dict[str, Any]) -> str:
    return str(arguments.get("pretrained") or arguments.get("model") or "")


def chat_template(visit: Visit, built: BuiltBase) -> Iterator[Finding]:
    """Report whether the base LLM has a chat template, where the run asks for chats."""
    if not built.chat:
        if getattr(getattr(built.base.model, "tokenizer", None), "chat_template", None):
            advice = "Add --apply_chat_template, if the model is instruction-tuned."
            yield note("chat template", "the model has one, and the run does not use it", advice)
        return
    try:
        built.context(QUESTION)
    except Exception as error:  # each backend says so in its own way
        built.chat = False
        found = f"--apply_chat_template is given, and the base LLM has no chat template ({one_line(error)[:200]})"
        yield fault("chat template", found, TEMPLATE)
    else:
        yield ok("chat template", "prompts are put as chats")


def answers(visit: Visit, built: BuiltBase) -> Iterator[Finding]:
    """Report what the base LLM writes to a short question."""
    settings = {"until": ["\n\n"], "do_sample": False, "max_gen_toks": 4}
    (reply,) = built.base.write([_request("generate_until", (built.context(QUESTION), settings))])
    yield ok("answers", f"to {QUESTION!r} it writes {str(reply)[:60]!r}")


def distributions(visit: Visit, built: BuiltBase) -> Iterator[Finding]:
    """Report whether distributions can be elicited in the way that the run will take."""
    tasks = [name for name, task in visit.readable.items() if task.OUTPUT_TYPE != "generate_until"]
    name, chosen = "distributions", visit.settings.elicitation
    if not tasks:
        yield note(name, "not wanted by these tasks")
        return
    route, because = choose(built.base) if chosen == AUTO else (chosen, "it was asked for")
    if route != "logprob":
        yield ok(name, f"elicitation={route}, because {because}")
        return
    able = built.base.abilities
    if able.openai_chat and not able.scores:
        if tells_logprobs(built.base):
            yield ok(name, "elicitation=logprob, because the server shows log-probabilities of chat completions")
        else:
            yield fault(name, f"elicitation=logprob for {', '.join(tasks)}, and the server shows none", SCORES)
        return
    yield _scored(built, name, f"elicitation=logprob, because {because}", SCORES)


def selection(visit: Visit, built: BuiltBase) -> Iterator[Finding]:
    """Report whether the base LLM can pick of a list in the way that the run will take."""
    if visit.asks_communities and usual_selection(visit.given) == "score":
        yield _scored(built, "selection", "selection=score", SELECTION)


def _scored(built: BuiltBase, name: str, why: str, advice: str) -> Finding:
    """Let the base LLM score a word."""
    request = _request("loglikelihood", (built.context(QUESTION), " yes"))
    try:
        ((score, _),) = built.base.score([request])
    except Exception as error:
        return fault(name, f"{why}, and log-probabilities are not given: {one_line(error)[:300]}", advice)
    return ok(name, f"{why}; log-probabilities are given ({float(score):.2f} for a word)")


def context(visit: Visit, built: BuiltBase) -> Iterator[Finding]:
    """Report whether the base LLM reads the longest prompt whole."""
    yield from longest_prompts(visit, built.base.model, built.context)


def _request(kind: str, arguments: tuple[Any, ...]) -> Any:
    from lm_eval.api.instance import Instance

    return Instance(request_type=kind, doc={}, arguments=arguments, idx=0, metadata=("doctor", 0, 1))


LOOKS: tuple[tuple[str, Look, str], ...] = (
    ("chat template", chat_template, TEMPLATE),
    ("answers", answers, ANSWER),
    ("distributions", distributions, SCORES),
    ("selection", selection, SELECTION),
    ("longest prompt", context, "See what is said of the plan."),
)
CHECKS = (Check(AREA, "set up", SETUP, base_llms),)
