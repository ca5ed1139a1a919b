"""The lm-eval model ``modplural``: a base LLM that consults a pool of community LMs."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from lm_eval.api.model import LM

from community_lms.pools.identity import fingerprint
from community_lms.weights.embedded import EMBEDDED_READER
from model_wrappers.arguments import NO_RESPONSE_CACHE, OWN, read_arguments
from model_wrappers.base.account import account_of, attach
from model_wrappers.base.build import LOCAL, build_base
from model_wrappers.base.chat import apply_template, check_chats
from model_wrappers.base.llm import BaseLLM
from model_wrappers.collaboration.answer import generate, score
from model_wrappers.collaboration.methods import METHODS
from model_wrappers.collaboration.query import Query, read_queries
from model_wrappers.collaboration.session import Weighted
from model_wrappers.collaboration.setup import make_communities, make_session
from model_wrappers.collaboration.trace import TraceWriter
from plural_tasks import __version__
from plural_tasks.schema import MODES
from plural_tasks.utils.arguments import parse_arguments
from plural_tasks.utils.credentials import refuse_keys
from plural_tasks.utils.errors import ModPluralError, show_errors_in_one_line

Result = TypeVar("Result")

SERVERS_TEMPLATE = "(the server's own)"
"""What results say of the chat template of a chat API."""


class ModPluralLM(LM):
    """Modular Pluralism (Feng et al., EMNLP 2024) over any backend of the harness.

    For every document: the method turns it into prompts, asking communities as it needs; the base LLM answers; where a
    document has several prompts, the answers are mixed. The base LLM's weights are never touched.
    """

    def __init__(self, base: str | LM | BaseLLM = "hf", **arguments: Any) -> None:
        """Make the model.

        Args:
            base: Name of a backend, or a model that is loaded already; several of this class share what they work out
                about one `BaseLLM`.
            **arguments: `model_wrappers.arguments.Arguments`; every other name goes to the backend.

        Raises:
            ModPluralError: If an argument, the pool, the prompts or the base cannot be used.
        """
        super().__init__()
        show_errors_in_one_line()
        refuse_keys(arguments, where="model_args")
        own = {name: value for name, value in arguments.items() if name in OWN}
        rest = {name: value for name, value in arguments.items() if name not in OWN}
        made = None if isinstance(base, str) else base if isinstance(base, BaseLLM) else BaseLLM(base)
        self.settings = read_arguments({**own, "base": made.name if made is not None else base})
        self.method = METHODS[self.settings.method]
        # Before the base LLM, which may take minutes to load.
        communities = make_communities(self.settings, rest.get("device"))
        self.account = account_of(self.settings, communities.pool, made)
        communities.asker.account = self.account
        self.base = made if made is not None else build_base(str(base), rest, self.settings.base_args)
        attach(self.base, self.account, self.settings, rest)
        self.session = make_session(self.settings, communities, self.base)
        self._trace = self._open_trace()

    @classmethod
    def create_from_arg_obj(
        cls, arg_dict: dict[str, Any], additional_config: dict[str, Any] | None = None
    ) -> ModPluralLM:
        """Make the model from the command line's arguments; a model argument wins over the harness's option."""
        options = {name: value for name, value in (additional_config or {}).items() if value is not None}
        if arg_dict.get("base", "hf") in LOCAL and not arg_dict.get("pretrained"):
            # Written into the harness's own dict: it names results after `pretrained`, else after a random number.
            arg_dict["pretrained"] = EMBEDDED_READER
        return cls(**{**options, **arg_dict})

    @classmethod
    def create_from_arg_string(cls, arg_string: str, additional_config: dict[str, Any] | None = None) -> ModPluralLM:
        """Make the model from ``key=value,…``."""
        return cls.create_from_arg_obj(parse_arguments(arg_string), additional_config)

    def loglikelihood(self, requests: list[Any], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """Score continuations; see `model_wrappers.collaboration.answer.score`."""
        return self._collaborate(requests, score)

    def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
        """Generate answers; see `model_wrappers.collaboration.answer.generate`."""
        return self._collaborate(requests, generate)

    def loglikelihood_rolling(self, requests: list[Any], disable_tqdm: bool = False) -> list[float]:
        """Score whole texts with the base LLM alone: a text asks no question on which to consult anyone."""
        return self.base.ask("loglikelihood_rolling", requests)

    def _collaborate(self, requests: list[Any], answer: Callable[..., list[Result]]) -> list[Result]:
        settings = self.settings
        queries = read_queries(requests, mode=settings.chosen_mode, attribute=settings.attribute)
        check_chats(self.base, [query.context for query in queries])  # before communities are asked
        self.session.begin()
        planned = self._plan(queries)
        results = answer(planned, requests, self.session)
        if self._trace is not None:
            if self.account is not None:
                for query, _ in planned:
                    spent = self.account.ledger.of_document(query.task, str(query.doc_id))
                    self.session.note(query)["spent"] = spent
            self._trace.write([self._record(query, contexts) for query, contexts in planned])
        return results

    def _plan(self, queries: Sequence[Query]) -> list[tuple[Query, list[Weighted]]]:
        """Prompts for all queries; modes are worked through one after the other, always in the same order."""
        groups = [group for mode in MODES if (group := [query for query in queries if query.mode == mode])]
        for group in groups:
            self.method.check(group, self.session)
        if self.method.asks == "all":
            self.session.communities.prefetch(queries)
        planned: dict[Query, list[Weighted]] = {}
        for group in groups:
            planned.update(zip(group, self.method.contexts(group, self.session), strict=True))
        return [(query, planned[query]) for query in queries]

    def _record(self, query: Query, contexts: Sequence[Weighted]) -> dict[str, Any]:
        return {
            "task": query.task,
            "doc_id": query.doc_id,
            "id": query.item_id,
            "mode": query.mode,
            "question": query.question,
            "attribute": query.attribute,
            "options": list(query.options),
            "order": list(query.order),
            "fallbacks": [],
            **self.session.note(query),
            "prompts": [str(getattr(weighted.context, "prompt", weighted.context)) for weighted in contexts],
            "prompt_tokens": [self._count(weighted.context) for weighted in contexts],
        }

    def _count(self, context: Any) -> int | None:
        encode = getattr(self.base.model, "tok_encode", None)
        try:
            return len(encode(str(context))) if encode is not None else None
        except (AttributeError, TypeError, NotImplementedError):  # API backends without a local tokenizer
            return None

    def _open_trace(self) -> TraceWriter | None:
        path = self.settings.trace
        if path is None:
            return None
        if self.world_size > 1:
            path = f"{path}.rank{self.rank}"
        return TraceWriter(
            path,
            {"run_id": uuid.uuid4().hex[:12], "method": self.method.name, "pool": self.session.pool.name},
        )

    # What the harness asks of a model beside answers.

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> Any:
        """Render a chat with the base LLM's template, remembering its turns."""
        return apply_template(self.base, chat_history, add_generation_prompt)

    def chat_template(self, chat_template: bool | str = False) -> str | None:
        """The base LLM's chat template; of a chat API, which has its own, a word for it."""
        if self.base.abilities.chats_only:
            return SERVERS_TEMPLATE if chat_template else None
        return self.base.model.chat_template(chat_template)  # type: ignore[no-any-return]

    @property
    def tokenizer_name(self) -> str:
        """The base LLM's tokenizer with a prefix, so that a plain model never shares our cached requests."""
        return f"modplural__{self.base.model.tokenizer_name}"

    @property
    def rank(self) -> int:
        """The base LLM's rank."""
        return int(self.base.model.rank)

    @property
    def world_size(self) -> int:
        """The base LLM's world size."""
        return int(self.base.model.world_size)

    @property
    def device(self) -> Any:
        """The base LLM's device."""
        return self.base.model.device

    def all_gather(self, tensor: Any) -> Any:
        """Delegate to the base LLM."""
        return self.base.model.all_gather(tensor)

    def gather_object(self, obj: Any, dst: int = 0) -> Any:
        """Delegate to the base LLM."""
        return self.base.model.gather_object(obj, dst)

    def barrier(self) -> None:
        """Delegate to the base LLM."""
        self.base.model.barrier()

    def set_cache_hook(self, cache_hook: Any) -> None:
        """Refuse the harness's response cache.

        Its key is the prompt alone. Two documents with one prompt and two attributes, two methods, or two pools would
        be given each other's answers, in the same file and without a word.

        Raises:
            ModPluralError: If the hook has a cache behind it.
        """
        if getattr(cache_hook, "dbdict", None) is not None:
            raise ModPluralError(NO_RESPONSE_CACHE)

    def get_model_info(self) -> dict[str, Any]:
        """The base LLM's facts, and under ``modplural`` everything that decides this model's answers."""
        model = self.base.model
        info = dict(model.get_model_info()) if hasattr(model, "get_model_info") else {}
        return {**info, "modplural": self.describe()}

    def describe(self) -> dict[str, Any]:
        """Settings, fingerprints and counts, as plain JSON."""
        session, communities = self.session, self.session.communities
        return {
            "version": __version__,
            "base": self.settings.base,
            "base_engine": self.settings.base_engine,
            "method": self.method.name,
            "mode": self.settings.mode or "of each document",
            "pool": session.pool.name,
            "communities": [member.name for member in session.pool.community_members],
            "modules": dict(session.pool.modules),
            "weights": session.weights,
            "mixture": session.mixture,
            "selection": session.selection,
            "label_variants": session.label_variants,
            "elicitation": self._elicitation(),
            **self._drawn(),
            "pool_fingerprint": fingerprint(session.pool),
            "tell_attribute": session.pool.tell_attribute,
            "prompts": session.prompts.name,
            "prompts_digest": session.prompts.digest(),
            "message_engine": self.settings.message_engine,
            "message_decoding": communities.decoding.model_dump(),
            "messages_per_community": communities.samples,
            "seed": communities.seed,
            "message_counts": vars(communities.asker.counts).copy(),
            "fallbacks": dict(session.fallbacks),
            "warnings": communities.asker.warnings(),
            **({"api": self._api()} if self.account is not None else {}),
        }

    def _api(self) -> dict[str, Any]:
        """What models behind APIs were asked, and what that cost."""
        remote = self.base.remote
        account = self.account
        asked = remote.asked if remote is not None else 0
        return {"requests": asked, **(account.as_json() if account is not None else {})}

    def _elicitation(self) -> dict[str, Any]:
        """How distributions were elicited; ``route`` and ``because`` are None where none was wanted."""
        settings = self.session.elicitation
        route, because = self.session.route or (None, None)
        facts: dict[str, Any] = {"chosen": settings.choice, "route": route, "because": because}
        if "sample" in (route, settings.choice):
            facts |= {"samples": settings.samples, "smoothing": settings.smoothing, "error": settings.error}
        return facts

    def _drawn(self) -> dict[str, Any]:
        """Answers counted for every document, if any were; `plural_tasks.report.reading.drawn_answers` reads them."""
        tasks = self.session.drawn
        made = {name: {str(doc): list(orders.values()) for doc, orders in docs.items()} for name, docs in tasks.items()}
        return {"drawn": made} if made else {}

    def __getattr__(self, name: str) -> Any:
        """Let the base LLM answer for everything else (``tokenizer``, ``batch_sizes``, ``max_length``, …)."""
        if name == "base" or name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.base.model, name)
