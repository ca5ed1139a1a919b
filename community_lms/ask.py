"""Ask communities: look into the store, generate what is missing, commit after every batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tqdm import tqdm

from community_lms.engines import MessageEngine, make_engine
from community_lms.message import Message, MessageRequest
from community_lms.spec import canonical
from community_lms.store import MessageStore, StoredMessage


@dataclass
class Asked:
    """Counts over all calls of `Asker.ask`; a request that is made again is not counted again."""

    requested: int = 0
    found: int = 0
    generated: int = 0
    tokens: int = 0


@dataclass
class Asker:
    """Answers message requests from a store and, for what is not there, from engines.

    Attributes:
        store: Where messages are kept.
        batch_size: Messages generated, and committed, together.
        device: Passed to the engines.
        dtype: Passed to the engines.
        counts: What was asked so far.
        engines: Engines made so far, by name; put one here to use it in place of the registry's.
    """

    store: MessageStore
    batch_size: int = 16
    device: str | None = None
    dtype: str = "auto"
    show_progress: bool = True
    counts: Asked = field(default_factory=Asked)
    engines: dict[str, MessageEngine] = field(default_factory=dict)
    _counted: set[str] = field(default_factory=set)
    _identities: set[str] = field(default_factory=set)

    def ask(self, requests: Sequence[MessageRequest]) -> list[Message]:
        """Return one message for each request, in order.

        Equal requests are asked once. Communities are in the outer loop, so that an adapter is switched on once; the
        batches are laid out over all requests, stored or not, so that a resumed run forms the same batches as an
        uninterrupted one and its messages come out the same.
        """
        unique = {request.key: request for request in requests}
        found = self.store.get(unique)
        new = unique.keys() - self._counted
        self._counted |= new
        self._identities |= {canonical(unique[key].identity) for key in new}
        self.counts.requested += len(new)
        self.counts.found += len(new & found.keys())
        with tqdm(
            total=len(unique),
            initial=len(found),
            desc="Community messages",
            unit="msg",
            disable=not self.show_progress or len(found) == len(unique),
        ) as progress:
            for batch in _batches(list(unique.values()), self.batch_size):
                missing = [request for request in batch if request.key not in found]
                if missing:
                    progress.set_postfix_str(missing[0].community.name)
                    found.update(self._generate(missing))
                    progress.update(len(missing))
        # The store may have been written under another pool's name for the same voice: show this pool's name.
        return [_named(found[request.key], request.community.name) for request in requests]

    def _generate(self, requests: Sequence[MessageRequest]) -> dict[str, Message]:
        engine = self._engine(requests[0].engine)
        warned = len(engine.warnings)
        messages = engine.speak(requests[0].community, requests)
        for warning in engine.warnings[warned:]:
            self.store.warn(canonical(requests[0].identity), warning)
        self.store.put(StoredMessage.of(request, message) for request, message in zip(requests, messages, strict=True))
        self.counts.generated += len(messages)
        self.counts.tokens += sum(message.tokens or 0 for message in messages)
        return {request.key: message for request, message in zip(requests, messages, strict=True)}

    def _engine(self, name: str) -> MessageEngine:
        if name not in self.engines:
            self.engines[name] = make_engine(name, batch_size=self.batch_size, device=self.device, dtype=self.dtype)
        return self.engines[name]

    def warnings(self) -> list[str]:
        """What engines warned of the communities asked so far, in this run or when the stored messages were made."""
        return self.store.warnings(sorted(self._identities))


def _named(message: Message, community: str) -> Message:
    if message.community == community:
        return message
    return Message(community, message.text, message.prompt_tokens, message.tokens)


def _batches(requests: Sequence[MessageRequest], size: int) -> Iterator[list[MessageRequest]]:
    """Batches of one community, engine and decoding each, longest prompts first (an overflow shows at once)."""
    groups: dict[tuple[object, ...], list[MessageRequest]] = {}
    for request in requests:
        groups.setdefault((request.engine, request.community.name, request.decoding), []).append(request)
    for group in groups.values():
        ordered = sorted(group, key=lambda request: (-request.length, request.key))
        for start in range(0, len(ordered), size):
            yield ordered[start : start + size]
