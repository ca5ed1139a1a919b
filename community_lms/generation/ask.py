"""Ask communities: look into the store, generate what is missing, commit after every batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from community_lms.engines import BATCH_SIZES, DEFAULT_BATCH_SIZE, MessageEngine, batch_of, make_engine
from community_lms.engines.base import PartialBatchError, Paying
from community_lms.engines.warning import EngineWarning
from community_lms.generation.processes import Processes, divide
from community_lms.messages.message import Message, MessageRequest
from community_lms.messages.store import MessageStore, StoredMessage
from community_lms.pools.spec import canonical
from community_lms.remote.account import Account
from plural_tasks.utils.progress import bar, tell_speed

PHASE = "community messages"
"""Label of the progress bar."""


@dataclass
class AskCounts:
    """Counts over all calls of `Asker.ask`; a request that is made again is not counted again.

    Attributes:
        requested: Different messages that were asked for.
        found: Messages that were in the store.
        generated: Messages that engines generated.
        tokens: Tokens of the generated messages.
    """

    requested: int = 0
    found: int = 0
    generated: int = 0
    tokens: int = 0


@dataclass
class Asker:
    """Answers message requests from a store and, for what is not there, from engines.

    Attributes:
        store: Store of the messages.
        batch_size: Messages generated, and committed, together; None leaves it to the engine.
        device: Torch device of the engines; None leaves it to them.
        dtype: Precision of the engines' weights; ``auto`` leaves it to them.
        show_progress: Whether a bar with counts and speed is shown.
        counts: Counts of what was asked so far.
        engines: Engines made so far, by name; put one here to use it in place of the registry's.
        processes: Processes among which `ask_together` divides the work.
        account: Answer store and budget of engines that ask servers; None gives each engine one of its own.
    """

    store: MessageStore
    batch_size: int | None = None
    device: str | None = None
    dtype: str = "auto"
    show_progress: bool = True
    counts: AskCounts = field(default_factory=AskCounts)
    engines: dict[str, MessageEngine] = field(default_factory=dict)
    processes: Processes = field(default_factory=Processes)
    account: Account | None = None
    _counted: set[str] = field(default_factory=set)
    _identities: set[str] = field(default_factory=set)

    def ask(self, requests: Sequence[MessageRequest]) -> list[Message]:
        """Return one message for each request, in order.

        Equal requests are asked once. Communities are in the outer loop, so that an adapter is switched on once, unless
        the engine mixes them. The batches are laid out over all requests, stored or not, so that a resumed run forms
        the same batches as an uninterrupted one and its messages come out the same.
        """
        unique = {request.key: request for request in requests}
        found = self.store.get(unique)
        self.count(unique, found)
        laid_out = batches(list(unique.values()), self.size_of)
        missing = [[request for request in batch if request.key not in found] for batch in laid_out]
        shown = self.show_progress and len(found) < len(unique)
        with bar(PHASE, len(unique), " messages", shown=shown, done=len(found)) as progress:
            found.update(self._generate_all(missing, progress))
        # The store may have been written under another pool's name for the same voice: show this pool's name.
        return [_named(found[request.key], request.community.name) for request in requests]

    def count(self, unique: Mapping[str, MessageRequest], found: Mapping[str, Message]) -> None:
        """Count requests by key, those among them that were found, and remember who is asked."""
        new = unique.keys() - self._counted
        self._counted |= new
        self._identities |= {canonical(unique[key].identity) for key in new}
        self.counts.requested += len(new)
        self.counts.found += len(new & found.keys())

    def keep(self, rows: Sequence[StoredMessage]) -> None:
        """Put generated messages into the store, and count them."""
        self.store.put(rows)
        self.counts.generated += len(rows)
        self.counts.tokens += sum(row.tokens or 0 for row in rows)

    def ask_together(self, requests: Sequence[MessageRequest]) -> None:
        """Get all messages into the store, each asked for by one of the processes that want it.

        All processes of a run must call this, each with its own requests. Afterwards `ask` finds them, and `counts` are
        those of all processes together. In a single process it is `ask`.
        """
        if self.processes.size == 1:
            self.ask(requests)
            return
        unique = {request.key: request for request in requests}
        wanted = self.processes.gather([*unique])
        stored = self.processes.gather([*self.store.get(unique)])  # before anyone adds to it
        missing = [
            [key for key in keys if key not in known] for keys, known in zip(wanted, map(set, stored), strict=True)
        ]
        before = (self.counts.generated, self.counts.tokens)
        mine = divide(missing)[self.processes.rank]
        asked = [request for key, request in unique.items() if key in mine]
        shown = self.show_progress and bool(asked) and self.processes.rank == 0
        with bar(PHASE, len(asked), " messages", shown=shown) as progress:
            made = self._generate_all(batches(asked, self.size_of), progress)
        if self.store.path is None:
            for rows in self.processes.gather([StoredMessage.of(unique[key], said) for key, said in made.items()]):
                self.store.put(row for row in rows if row.key in unique)
        done = self.processes.gather((self.counts.generated - before[0], self.counts.tokens - before[1]))
        self._count_together(wanted, missing, done)
        self._identities |= {canonical(request.identity) for request in unique.values()}

    def _count_together(
        self, wanted: Sequence[Sequence[str]], missing: Sequence[Sequence[str]], done: Sequence[tuple[int, int]]
    ) -> None:
        asked = {key for keys in wanted for key in keys} - self._counted
        rank = self.processes.rank
        self._counted |= asked
        self.counts.requested += len(asked)
        self.counts.found += len(asked - {key for keys in missing for key in keys})
        self.counts.generated += sum(made for other, (made, _) in enumerate(done) if other != rank)
        self.counts.tokens += sum(tokens for other, (_, tokens) in enumerate(done) if other != rank)

    def _generate_all(self, work: Iterable[Sequence[MessageRequest]], progress: Any) -> dict[str, Message]:
        made: dict[str, Message] = {}
        before = self.counts.tokens
        for batch in work:
            if batch:
                if not made:
                    self.store.check_writable()  # before the first is paid for
                progress.set_postfix_str(_names(batch))
                made.update(self._generate(batch))
                progress.update(len(batch))
                tell_speed(progress, self.counts.tokens - before, _names(batch))
        return made

    def size_of(self, engine: str) -> int:
        """Messages that are generated and committed together."""
        return self.batch_size or BATCH_SIZES.get(engine, DEFAULT_BATCH_SIZE)

    def _generate(self, requests: Sequence[MessageRequest]) -> dict[str, Message]:
        engine = self._engine(requests[0].engine)
        warned = len(engine.warnings)
        made: dict[str, Message] = {}
        try:
            said = engine.speak(requests)
            made = {request.key: message for request, message in zip(requests, said, strict=True)}
        except PartialBatchError as partial:
            made = partial.answers
            raise partial.problem from partial.problem.__cause__
        finally:
            self.warn(requests, engine.warnings[warned:])
            self.keep([StoredMessage.of(request, made[request.key]) for request in requests if request.key in made])
        return made

    def warn(self, requests: Sequence[MessageRequest], warnings: Sequence[EngineWarning]) -> None:
        """Keep an engine's warnings with the communities, among those asked, that they are about."""
        for warning in warnings:
            about = [request for request in requests if warning.concerns(request.community.name)]
            for identity in {canonical(request.identity) for request in about}:
                self.store.warn(identity, warning.text)

    def _engine(self, name: str) -> MessageEngine:
        if name not in self.engines:
            engine = make_engine(name, batch_size=self.size_of(name), device=self.device, dtype=self.dtype)
            if self.account is not None and isinstance(engine, Paying):
                engine.account = self.account
            self.engines[name] = engine
        return self.engines[name]

    def warnings(self) -> list[str]:
        """Texts of warnings about the communities asked so far, from this run or from when stored messages came."""
        return self.store.warnings(sorted(self._identities))


def _named(message: Message, community: str) -> Message:
    if message.community == community:
        return message
    return Message(community, message.text, message.prompt_tokens, message.tokens)


def _names(requests: Sequence[MessageRequest]) -> str:
    names = {request.community.name for request in requests}
    return names.pop() if len(names) == 1 else f"{len(names)} communities"


def batches(requests: Sequence[MessageRequest], size_of: Callable[[str], int]) -> Iterator[list[MessageRequest]]:
    """Batches of one engine and decoding each, longest prompts first (an overflow shows at once).

    A batch is of one community, or of several where the engine mixes them (`community_lms.engines.SHARED`).
    """
    groups: dict[tuple[object, ...], list[MessageRequest]] = {}
    for request in requests:
        shared = batch_of(request.engine, request.community)
        groups.setdefault((request.engine, shared, request.decoding), []).append(request)
    for group in groups.values():
        ordered = sorted(group, key=lambda request: (-request.length, request.key))
        size = size_of(ordered[0].engine)
        for start in range(0, len(ordered), size):
            yield ordered[start : start + size]
