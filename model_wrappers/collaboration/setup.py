"""Make communities and sessions from a user's settings, and open the message store."""

from __future__ import annotations

import sys
from pathlib import Path

from community_lms.generation.ask import Asker
from community_lms.messages.store import MessageStore
from community_lms.pools.pool import load_pool, select, weigh
from model_wrappers.arguments import DEFAULT_SEED, Arguments
from model_wrappers.base.llm import BaseLLM
from model_wrappers.collaboration.communities import Communities
from model_wrappers.collaboration.prompts import load_prompts
from model_wrappers.collaboration.selection import selection_of
from model_wrappers.collaboration.session import Elicitation, Session


def make_communities(settings: Arguments, device: str | None, store: MessageStore | None = None) -> Communities:
    """The communities of a run; no weights are loaded before one of them is asked.

    Args:
        settings: The user's settings.
        device: Torch device of the message engines; None leaves the choice to them.
        store: The message store; None opens the one that the settings name.

    Raises:
        ModPluralError: If the pool, its weights, the prompts or the store cannot be used.
    """
    pool = select(load_pool(settings.pool), settings.communities)
    if settings.tell_attribute is not None:
        pool = pool.model_copy(update={"tell_attribute": settings.tell_attribute})
    pool = settings.served(pool)
    return Communities(
        pool=pool,
        weights=weigh(pool, settings.weights),
        prompts=load_prompts(settings.prompts),
        asker=Asker(
            store=store if store is not None else open_store(settings.messages),
            batch_size=settings.message_batch_size,
            device=device,
            dtype=settings.message_dtype,
        ),
        engine=settings.message_engine,
        decoding=settings.decoding(pool.decoding),
        seed=settings.seed if settings.seed is not None else _harness_seed(),
        samples=settings.messages_per_community,
    )


def make_session(settings: Arguments, communities: Communities, base: BaseLLM) -> Session:
    """A session of a base LLM that consults communities."""
    return Session(
        base=base,
        communities=communities,
        selection=selection_of(base.kind, settings.selection),
        label_variants=settings.label_variants,
        elicitation=Elicitation(
            choice=settings.elicitation,
            samples=settings.elicitation_samples,
            smoothing=settings.elicitation_smoothing,
            error=settings.elicitation_error,
        ),
        mixture=settings.mixture,
    )


def open_store(path: str | None) -> MessageStore:
    """Open the store that a user named; None is the default one, ``none`` keeps messages in memory."""
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
