from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from community_lms.engines.base import PartialBatchError
from community_lms.engines.scripted import ScriptedEngine
from community_lms.engines.warning import EngineWarning
from community_lms.generation.ask import AskCounts, Asker, batches
from community_lms.messages.message import Message, MessageRequest
from community_lms.messages.store import MessageStore, StoredMessage
from community_lms.pools.spec import Community, Decoding
from plural_tasks.utils.errors import ModPluralError

Ask = Callable[..., MessageRequest]
Make = Callable[..., Community]


class Recorder(ScriptedEngine):
    """Notes its batches; stops answering after some of them."""

    def __init__(self, stop_after: int | None = None) -> None:
        super().__init__()
        self.batches: list[list[str]] = []
        self._stop_after = stop_after

    def speak(self, requests: Sequence[MessageRequest]) -> list[Message]:
        if len(self.batches) == self._stop_after:
            raise ModPluralError("the power is gone")
        self.batches.append([request.key for request in requests])
        assert len({request.community.name for request in requests}) == 1
        return super().speak(requests)


def asker(store: MessageStore, engine: ScriptedEngine | None = None, size: int = 16) -> Asker:
    made = Asker(store, batch_size=size, show_progress=False)
    made.engines["scripted"] = engine or Recorder()
    return made


def test_one_message_for_each_request_in_order(store: MessageStore, request_for: Ask) -> None:
    engine = ScriptedEngine(script={"left": ["l1", "l2"], "right": ["r1"]})
    requests = [request_for("a", "left"), request_for("b", "right"), request_for("c", "left", seed=2)]

    messages = asker(store, engine).ask(requests)
    assert [(message.community, message.text) for message in messages] == [
        ("left", "l1" if requests[0].key < requests[2].key else "l2"),
        ("right", "r1"),
        ("left", "l2" if requests[0].key < requests[2].key else "l1"),
    ]
    assert messages == [store.get([request.key])[request.key] for request in requests]


def test_nothing_asked(store: MessageStore) -> None:
    assert asker(store).ask([]) == []


def test_equal_requests_are_asked_once(store: MessageStore, request_for: Ask) -> None:
    engine = Recorder()
    made = asker(store, engine)

    messages = made.ask([request_for("a"), request_for("b"), request_for("a"), request_for("a")])
    assert messages[0] == messages[2] == messages[3] != messages[1]
    assert sorted(engine.batches[0]) == sorted([request_for("a").key, request_for("b").key])
    assert made.counts == AskCounts(2, 0, 2, sum(message.tokens or 0 for message in messages[:2]))


def test_stored_messages_are_not_asked_again(store: MessageStore, request_for: Ask) -> None:
    store.put([StoredMessage.of(request_for("a"), Message("left", "said before", tokens=9))])
    engine = Recorder()
    made = asker(store, engine)

    messages = made.ask([request_for("a"), request_for("b")])
    assert messages[0].text == "said before"
    assert engine.batches == [[request_for("b").key]]
    assert made.counts == AskCounts(2, 1, 1, messages[1].tokens or 0)


def test_a_second_call_asks_nothing_and_counts_each_request_once(store: MessageStore, request_for: Ask) -> None:
    engine = Recorder()
    made = asker(store, engine)
    requests = [request_for(str(number)) for number in range(5)]

    first, tokens = made.ask(requests), made.counts.tokens
    assert made.ask(requests) == first
    assert len(engine.calls) == 5
    assert made.counts == AskCounts(5, 0, 5, tokens)
    (new,) = made.ask([request_for("new")])
    assert made.counts == AskCounts(6, 0, 6, tokens + (new.tokens or 0))


def test_communities_are_in_the_outer_loop(store: MessageStore, request_for: Ask) -> None:
    engine = Recorder()
    requests = [request_for(str(number), name) for number in range(3) for name in ("left", "right", "center")]
    asker(store, engine, size=2).ask(requests)

    names = [request.community.name for request in engine.calls]
    assert names == ["left"] * 3 + ["right"] * 3 + ["center"] * 3
    assert [len(batch) for batch in engine.batches] == [2, 1, 2, 1, 2, 1]


def test_a_batch_has_one_decoding_and_longest_prompts_first(store: MessageStore, request_for: Ask) -> None:
    engine = Recorder()
    short, long = Decoding(max_new_tokens=5), Decoding(max_new_tokens=50)
    requests = [
        request_for("x" * length, decoding=decoding) for length, decoding in ((3, short), (9, long), (7, short))
    ]
    asker(store, engine).ask(requests)

    assert engine.batches == [[requests[2].key, requests[0].key], [requests[1].key]]


@pytest.mark.parametrize(("engine", "sizes"), [("server", [4, 4, 1]), ("vllm", [4, 4, 1]), ("peft", [3, 3, 3])])
def test_communities_share_batches_where_the_engine_mixes_them(engine: str, sizes: list[int], request_for: Ask) -> None:
    requests = [request_for(str(n), name, engine=engine) for n in range(3) for name in ("left", "right", "center")]
    laid_out = list(batches(requests, lambda _: 4))
    assert [len(batch) for batch in laid_out] == sizes
    assert sorted(request.key for batch in laid_out for request in batch) == sorted(r.key for r in requests)
    together = [len({request.community.name for request in batch}) for batch in laid_out]
    assert together == [1, 1, 1] if engine == "peft" else max(together) > 1


def test_a_mixed_batch_has_one_decoding(request_for: Ask) -> None:
    short, long = Decoding(max_new_tokens=5), Decoding(max_new_tokens=50)
    requests = [
        request_for("a", name, engine="server", decoding=decoding)
        for name in ("left", "right")
        for decoding in (short, long)
    ]
    assert [[request.decoding for request in batch] for batch in batches(requests, lambda _: 16)] == [
        [short, short],
        [long, long],
    ]


def test_batches_do_not_depend_on_the_order_of_requests(store: MessageStore, request_for: Ask) -> None:
    requests = [request_for(str(number)) for number in range(10)]
    one, other = Recorder(), Recorder()
    asker(store, one, size=4).ask(requests)
    asker(MessageStore(None), other, size=4).ask(requests[::-1])

    assert one.batches == other.batches
    assert one.batches == [sorted(batch) for batch in one.batches]


@pytest.mark.parametrize("done", [0, 1, 3, 5])
def test_a_resumed_run_forms_the_batches_of_an_uninterrupted_one(tmp_path: Path, request_for: Ask, done: int) -> None:
    requests = [request_for("x" * (number % 4), name, seed=number) for number in range(9) for name in ("left", "right")]
    whole = Recorder()
    expected = asker(MessageStore(None), whole, size=4).ask(requests)
    assert [len(batch) for batch in whole.batches] == [4, 4, 1, 4, 4, 1]

    cut, store = Recorder(stop_after=done), MessageStore(tmp_path / "m.db")
    with pytest.raises(ModPluralError, match="the power is gone"):
        asker(store, cut, size=4).ask(requests)
    store.close()
    resumed, store = Recorder(), MessageStore(tmp_path / "m.db")
    assert asker(store, resumed, size=4).ask(requests) == expected
    store.close()

    assert cut.batches == whole.batches[:done]
    assert resumed.batches == whole.batches[done:]


def test_a_batch_is_committed_before_the_next_one_is_generated(store: MessageStore, request_for: Ask) -> None:
    with pytest.raises(ModPluralError):
        asker(store, Recorder(stop_after=2), size=3).ask([request_for(str(number)) for number in range(9)])

    assert len(store) == 6


def test_an_engine_that_answers_too_little_is_an_error_and_nothing_is_kept(
    store: MessageStore, request_for: Ask
) -> None:
    class Short(ScriptedEngine):
        def speak(self, requests: Sequence[MessageRequest]) -> list[Message]:
            return super().speak(requests)[:-1]

    with pytest.raises(ValueError, match="shorter"):
        asker(store, Short()).ask([request_for("a"), request_for("b")])
    assert len(store) == 0


def test_what_an_engine_had_when_it_failed_is_kept_and_counted(store: MessageStore, request_for: Ask) -> None:
    class Half(ScriptedEngine):
        def speak(self, requests: Sequence[MessageRequest]) -> list[Message]:
            said = super().speak(requests)
            self.warnings.append(EngineWarning(None, "other", "mind the gap"))
            answers = {request.key: message for request, message in zip(requests[:2], said, strict=False)}
            raise PartialBatchError(ModPluralError("the power is gone"), answers)

    requests = [request_for(str(number)) for number in range(5)]
    made = asker(store, Half())
    with pytest.raises(ModPluralError, match="the power is gone"):
        made.ask(requests)
    assert len(store) == made.counts.generated == 2
    assert made.warnings() == ["mind the gap"]
    whole = Recorder()
    asker(store, whole).ask(requests)
    assert [len(batch) for batch in whole.batches] == [3]


def test_a_warning_belongs_to_the_community_that_it_names(store: MessageStore, request_for: Ask) -> None:
    def who(name: str) -> MessageRequest:
        return request_for("a", name, identity={"name": name})

    made = asker(store)
    warnings = [
        EngineWarning("left", "unlisted_model", "community 'left' stumbles"),
        EngineWarning(None, "other", "the server is slow"),
    ]
    made.warn([who("left"), who("right")], warnings)
    for name, expected in (
        ("left", ["community 'left' stumbles", "the server is slow"]),
        ("right", ["the server is slow"]),
    ):
        asking = asker(store)
        asking.ask([who(name)])
        assert sorted(asking.warnings()) == expected


def test_a_warning_is_not_of_a_community_that_its_text_mentions(store: MessageStore, request_for: Ask) -> None:
    def who(name: str) -> MessageRequest:
        return request_for("a", name, identity={"name": name})

    text = "community 'left': the server lists 'right' alone"
    asker(store).warn([who("left"), who("right")], [EngineWarning("left", "unlisted_model", text)])
    asking = asker(store)
    asking.ask([who("right")])
    assert asking.warnings() == []
    asking.ask([who("left")])
    assert asking.warnings() == [text]


def test_the_name_is_the_pools_even_when_stored_under_another(
    store: MessageStore, request_for: Ask, community: Make
) -> None:
    turns = (("user", "why?"),)
    mine, yours = (request_for(community=community(name), turns=turns) for name in ("mine", "yours"))
    assert mine.key == yours.key

    (first,) = asker(store).ask([mine])
    (second,) = asker(store).ask([yours])
    assert (first.community, second.community) == ("mine", "yours")
    assert (second.text, second.tokens, second.prompt_tokens) == (first.text, first.tokens, first.prompt_tokens)
    both = asker(MessageStore(None)).ask([mine, yours])
    assert [message.community for message in both] == ["mine", "yours"]


def test_progress_is_shown_unless_it_is_off_or_there_is_nothing_to_do(
    store: MessageStore, request_for: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    requests = [request_for(str(number)) for number in range(3)]
    made = asker(store)
    made.ask(requests[:2])
    assert capsys.readouterr().err == ""

    made.show_progress = True
    made.ask(requests)
    shown = capsys.readouterr().err
    assert "community messages" in shown
    assert "3/3" in shown
    made.ask(requests)
    assert capsys.readouterr().err == ""


def test_engines_are_made_once_by_name_and_their_warnings_gathered(store: MessageStore, request_for: Ask) -> None:
    made = Asker(store, batch_size=3, show_progress=False)
    made.ask([request_for("a")])
    engine = made.engines["scripted"]
    made.ask([request_for("b")])

    assert made.engines == {"scripted": engine}
    assert isinstance(engine, ScriptedEngine)
    assert engine.batch_size == 3
    assert made.warnings() == []


def test_a_warning_is_kept_with_the_messages_and_told_again_when_they_are_found(
    store: MessageStore, request_for: Ask
) -> None:
    class Wary(ScriptedEngine):
        def speak(self, requests):
            self.warnings.append(EngineWarning(None, "other", "mind the gap"))
            return super().speak(requests)

    first = Asker(store, show_progress=False, engines={"scripted": Wary()})
    first.ask([request_for("a")])
    assert first.warnings() == ["mind the gap"]

    later = Asker(store, show_progress=False)
    assert later.warnings() == []
    later.ask([request_for("a")])
    assert later.warnings() == ["mind the gap"]
    assert later.counts.generated == 0
