"""Several processes of one run ask for each message once between them."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from community_lms.engines.scripted import ScriptedEngine
from community_lms.generation.ask import AskCounts, Asker
from community_lms.generation.processes import Processes, divide
from community_lms.messages.message import Message, MessageRequest
from community_lms.messages.store import MessageStore, StoredMessage

Ask = Callable[..., MessageRequest]


class Counting(ScriptedEngine):
    def __init__(self, asked: Counter[str]) -> None:
        super().__init__()
        self._asked = asked

    def speak(self, requests: Sequence[MessageRequest]) -> list[Message]:
        self._asked.update(request.key for request in requests)
        return super().speak(requests)


class Threads:
    """Threads that take the part of processes."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.barrier = threading.Barrier(size, timeout=30)
        self.values: list[Any] = [None] * size

    def one(self, rank: int) -> Processes:
        shared = self

        class One(Processes):
            @property
            def rank(self) -> int:
                return rank

            @property
            def size(self) -> int:
                return shared.size

            def gather(self, value: Any) -> list[Any]:
                shared.values[rank] = value
                shared.barrier.wait()
                values = list(shared.values)
                shared.barrier.wait()
                return values

        return One()


def together(
    wanted: Sequence[Sequence[MessageRequest]], place: Callable[[int], Path | None], times: int = 1
) -> tuple[list[Asker], Counter[str]]:
    """Let one thread for each list ask, each with a store of its own at the place."""
    group, asked = Threads(len(wanted)), Counter[str]()
    askers = [
        Asker(
            MessageStore(place(rank)),
            show_progress=False,
            engines={"scripted": Counting(asked)},
            processes=group.one(rank),
        )
        for rank in range(len(wanted))
    ]

    def work(rank: int) -> None:
        for _ in range(times):
            askers[rank].ask_together(wanted[rank])

    threads = [threading.Thread(target=work, args=(rank,)) for rank in range(len(wanted))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return askers, asked


@pytest.mark.parametrize("in_memory", [True, False])
def test_each_message_is_asked_once_and_found_by_all_that_want_it(
    in_memory: bool, request_for: Ask, tmp_path: Path
) -> None:
    requests = [request_for(f"question {number}") for number in range(12)]
    before = MessageStore(tmp_path / "s.sqlite")
    before.put([StoredMessage.of(requests[0], Message("left", "said before", tokens=2))])
    before.close()
    wanted = [requests[:8], requests[4:], []]
    askers, asked = together(wanted, lambda _: None if in_memory else tmp_path / "s.sqlite")

    new = requests if in_memory else requests[1:]
    assert asked == Counter({request.key: 1 for request in new})
    for asker, own in zip(askers, wanted, strict=True):
        said = asker.ask(own)
        assert len(said) == len(own)
        assert asker.counts == AskCounts(12, 12 - len(new), len(new), askers[0].counts.tokens)
    assert asked.total() == len(new)
    assert askers[0].counts.tokens > 0


def test_asking_again_counts_nothing_twice(request_for: Ask, tmp_path: Path) -> None:
    wanted = [[request_for("a"), request_for("b")], [request_for("b")]]
    askers, asked = together(wanted, lambda _: tmp_path / "s.sqlite", times=2)
    assert asked.total() == 2
    assert {(asker.counts.requested, asker.counts.found, asker.counts.generated) for asker in askers} == {(2, 0, 2)}


def test_a_process_alone_asks_as_ever(store: MessageStore, request_for: Ask) -> None:
    asked = Counter[str]()
    asker = Asker(store, show_progress=False, engines={"scripted": Counting(asked)})
    assert (asker.processes.rank, asker.processes.size, asker.processes.gather("x")) == (0, 1, ["x"])
    asker.ask_together([request_for("a"), request_for("a"), request_for("b")])
    assert asked.total() == 2
    assert len(store) == 2


def test_work_is_divided_evenly_among_those_who_want_it() -> None:
    keys = [f"{number:02}" for number in range(30)]
    shares = divide([keys, keys[10:], []])
    # The first ten are the first's alone; of twenty that both want, the second takes the more until they are level.
    assert [len(share) for share in shares] == [15, 15, 0]
    assert shares[0] | shares[1] == set(keys)
    assert not shares[0] & shares[1]
    assert shares[1] <= set(keys[10:])
    assert divide([keys, keys[10:], []]) == shares
    assert divide([[], []]) == [set(), set()]
