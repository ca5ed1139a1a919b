"""The lm-eval model ``modplural``: a base LLM that consults a pool of community LMs."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from lm_eval.api.model import LM
from lm_eval.utils import simple_parse_args_string

from community_lms.generation.ask import Asker
from community_lms.messages.store import MessageStore
from community_lms.pools.identity import fingerprint
from community_lms.pools.pool import load_pool, select, weigh
from community_lms.remote.abilities import abilities_of
from community_lms.weights.embedded import EMBEDDED_READER
from model_wrappers.arguments import DEFAULT_SEED, OWN, Arguments, read_arguments
from model_wrappers.base.account import account_of, attach
from model_wrappers.base.chat import apply_template, check_chats
from model_wrappers.base.llm import LOCAL, ask, build_base, remote_of
from model_wrappers.cache import disable_response_cache
from model_wrappers.collaboration.answer import generate, score
from model_wrappers.collaboration.elicitation import Elicitation
from model_wrappers.collaboration.methods import METHODS
from model_wrappers.collaboration.prompts import load_prompts
from model_wrappers.collaboration.query import Query, read_queries
from model_wrappers.collaboration.selection import selection_of
from model_wrappers.collaboration.session import Session, Weighted
from model_wrappers.collaboration.trace import TraceWriter
from plural_tasks import __version__
from plural_tasks.schema import MODES
from plural_tasks.utils.credentials import refuse_keys
from plural_tasks.utils.errors import show_errors_in_one_line

Result = TypeVar("Result")

SERVERS_TEMPLATE = "(the server's own)"
"""What results say of the chat template of a chat API."""


class ModPluralLM(LM):
    """Modular Pluralism (Feng et al., EMNLP 2024) over any backend of the harness.

    For every document: the method turns it into prompts, asking communities as it needs; the base LLM answers; where a
    document has several prompts, the answers are mixed. The base LLM's weights are never touched.
    """

    def __init__(self, base: str | LM = "hf", **arguments: Any) -> None:
        """Make the model.

        Args:
            base: Name of a backend, or a model that is loaded already.
            **arguments: `model_wrappers.arguments.Arguments`; every other name goes to the backend.

        Raises:
            ModPluralError: If an argument, the pool, the prompts or the base cannot be used.
        """
        super().__init__()
        show_errors_in_one_line()
        refuse_keys(arguments, where="model_args")
        own = {name: value for name, value in arguments.items() if name in OWN}
        rest = {name: value for name, value in arguments.items() if name not in OWN}
        self.settings = read_arguments({**own, "base": base if isinstance(base, str) else type(base).__name__})
        self.method = METHODS[self.settings.method]
        parts = session_parts(self.settings, rest.get("device"))  # before the base LLM, which may take minutes to load
        self.account = account_of(self.settings, parts["pool"], None if isinstance(base, str) else base)
        parts["asker"].account = self.account
        self.base = build_base(base, rest, self.settings.base_args) if isinstance(base, str) else base
        attach(self.base, self.account, self.settings, rest)
        selection = selection_of(type(self.base), self.settings.selection)
        self.session = Session(base=self.base, selection=selection, **parts)
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
        return cls.create_from_arg_obj(simple_parse_args_string(arg_string), additional_config)

    def loglikelihood(self, requests: list[Any], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """Score continuations; see `model_wrappers.collaboration.answer.score`."""
        return self._collaborate(requests, score)

    def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
        """Generate answers; see `model_wrappers.collaboration.answer.generate`."""
        return self._collaborate(requests, generate)

    def loglikelihood_rolling(self, requests: list[Any], disable_tqdm: bool = False) -> list[float]:
        """Score whole texts with the base LLM alone: a text asks no question on which to consult anyone."""
        return ask(self.base, "loglikelihood_rolling", requests)

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
        if self.method.asks_all:
            self.session.prefetch(queries)
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
        encode = getattr(self.base, "tok_encode", None)
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
        if abilities_of(type(self.base)).chats_only:
            return SERVERS_TEMPLATE if chat_template else None
        return self.base.chat_template(chat_template)  # type: ignore[no-any-return]

    @property
    def tokenizer_name(self) -> str:
        """The base LLM's tokenizer with a prefix, so that a plain model never shares our cached requests."""
        return f"modplural__{self.base.tokenizer_name}"

    @property
    def rank(self) -> int:
        """The base LLM's rank."""
        return int(self.base.rank)

    @property
    def world_size(self) -> int:
        """The base LLM's world size."""
        return int(self.base.world_size)

    @property
    def device(self) -> Any:
        """The base LLM's device."""
        return self.base.device

    def all_gather(self, tensor: Any) -> Any:
        """Delegate to the base LLM."""
        return self.base.all_gather(tensor)

    def gather_object(self, obj: Any, dst: int = 0) -> Any:
        """Delegate to the base LLM."""
        return self.base.gather_object(obj, dst)

    def barrier(self) -> None:
        """Delegate to the base LLM."""
        self.base.barrier()

    def set_cache_hook(self, cache_hook: Any) -> None:
        """Refuse the harness's response cache, whose key is the prompt alone; see `model_wrappers.cache`."""
        disable_response_cache(cache_hook)

    def get_model_info(self) -> dict[str, Any]:
        """The base LLM's facts, and under ``modplural`` everything that decides this model's answers."""
        info = dict(self.base.get_model_info()) if hasattr(self.base, "get_model_info") else {}
        return {**info, "modplural": self.describe()}

    def describe(self) -> dict[str, Any]:
        """Settings, fingerprints and counts, as plain JSON."""
        session, counts = self.session, self.session.asker.counts
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
            "message_decoding": session.decoding.model_dump(),
            "messages_per_community": session.samples,
            "seed": session.seed,
            "message_counts": vars(counts).copy(),
            "fallbacks": dict(session.fallbacks),
            "warnings": session.asker.warnings(),
            **({"api": self._api()} if self.account is not None else {}),
        }

    def _api(self) -> dict[str, Any]:
        """What models behind APIs were asked, and what that cost."""
        remote = remote_of(self.base)
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
        """Answers counted for every document, as `plural_tasks.report.reading.tallies` reads them, if any were."""
        tasks = self.session.drawn
        made = {
            name: {str(doc): " | ".join(orders.values()) for doc, orders in docs.items()}
            for name, docs in tasks.items()
        }
        return {"drawn": made} if made else {}

    def __getattr__(self, name: str) -> Any:
        """Let the base LLM answer for everything else (``tokenizer``, ``batch_sizes``, ``max_length``, …)."""
        if name == "base" or name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.base, name)


def session_parts(settings: Arguments, device: str | None, store: MessageStore | None = None) -> dict[str, Any]:
    """Everything of a session but the base LLM; the store is opened unless one is given."""
    pool = select(load_pool(settings.pool), settings.communities)
    if settings.tell_attribute is not None:
        pool = pool.model_copy(update={"tell_attribute": settings.tell_attribute})
    pool = settings.served(pool)
    return {
        "pool": pool,
        "weights": weigh(pool, settings.weights),
        "prompts": load_prompts(settings.prompts),
        "decoding": settings.decoding(pool.decoding),
        "engine": settings.message_engine,
        "seed": settings.seed if settings.seed is not None else _harness_seed(),
        "samples": settings.messages_per_community,
        "mixture": settings.mixture,
        "label_variants": settings.label_variants,
        "elicitation": Elicitation(
            choice=settings.elicitation,
            samples=settings.elicitation_samples,
            smoothing=settings.elicitation_smoothing,
            error=settings.elicitation_error,
        ),
        "asker": Asker(
            store=store if store is not None else open_store(settings.messages),
            batch_size=settings.message_batch_size,
            device=device,
            dtype=settings.message_dtype,
        ),
    }


def open_store(path: str | None) -> MessageStore:
    """Open the store a user named; None is the default one, ``none`` keeps messages in memory."""
    if path is not None and path.lower() == "none":
        return MessageStore(None)
    return MessageStore(path if path is not None else default_store_path())


def default_store_path() -> Path:
    """The store in the user's cache folder."""
    from platformdirs import user_cache_path

    return user_cache_path("modplural") / "messages.sqlite"


def _harness_seed() -> int:
    """The seed that ``--seed`` gave to torch, or the harness's default where torch is not in use."""
    torch = sys.modules.get("torch")
    return int(torch.initial_seed()) % 2**32 if torch is not None else DEFAULT_SEED


__all__ = ["ModPluralLM", "default_store_path", "open_store", "session_parts"]
