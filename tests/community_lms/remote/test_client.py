"""Base LLMs behind APIs: the harness's real clients against a real server on the loopback."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from typing import Any

import pytest

from community_lms.remote import retry as module
from community_lms.remote.abilities import abilities_of
from community_lms.remote.account import Account
from community_lms.remote.advice import RemoteError
from community_lms.remote.answer_store import AnswerStore
from community_lms.remote.budget import Budget, BudgetReachedError, Limits
from community_lms.remote.client import RemoteModel
from community_lms.remote.ledger import Ledger
from community_lms.remote.prices import Price, Prices
from community_lms.remote.retry import RetryPolicy
from plural_tasks.utils.errors import ModPluralError
from tests.interrupt import interrupted
from tests.openai_server import OpenAIServer, drawn, serving

pytest.importorskip("tenacity", reason="the harness's API backends need lm_eval[api]")


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global Instance, LocalChatCompletion, LocalCompletionsAPI
    from lm_eval.api.instance import Instance
    from lm_eval.models.openai_completions import LocalChatCompletion, LocalCompletionsAPI


NONE = Limits()
FREE = Prices([Price(model="*", read=0.0, written=0.0)])


@pytest.fixture(autouse=True)
def _short(monkeypatch) -> None:
    monkeypatch.setattr(module, "SHORTEST", 0.001)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


class Characters:
    """A tokenizer of characters, as `LocalCompletionsAPI` uses one."""

    bos_token_id = eos_token_id = pad_token_id = 0
    eos_token = bos_token = pad_token = "\0"

    def __call__(self, text: Any, **_: Any) -> Any:
        def encode(one: str) -> list[int]:
            return [ord(letter) for letter in one]

        return type(
            "Encoded", (), {"input_ids": encode(text) if isinstance(text, str) else [encode(t) for t in text]}
        )()


def chat(server: OpenAIServer, **settings: Any) -> Any:
    return LocalChatCompletion(base_url=f"{server.url}/chat/completions", model="m", num_concurrent=4, **settings)


def completions(server: OpenAIServer, **settings: Any) -> Any:
    made = LocalCompletionsAPI(
        base_url=f"{server.url}/completions", model="m", tokenizer_backend="None", num_concurrent=4, **settings
    )
    made.tokenizer_backend, made.tokenizer, made.tokenized_requests = "huggingface", Characters(), True
    return made


def remote(
    client: Any, store: Any = None, limits: Limits = NONE, prices: Prices = FREE, **retry_policy: Any
) -> RemoteModel:
    return RemoteModel(client, Account(AnswerStore(store), Ledger(Budget(limits, prices))), RetryPolicy(**retry_policy))


def prompt(client: Any, text: str) -> Any:
    return client.apply_chat_template([{"role": "user", "content": text}])


def questions(client: Any, count: int, **settings: Any) -> list[Instance]:
    told = {"until": [], "max_gen_toks": 8, "temperature": 0.0, **settings}
    return [
        Instance(
            "generate_until", {}, (prompt(client, f"question {number}?"), dict(told)), 0, metadata=("t", number, 1)
        )
        for number in range(count)
    ]


def scored(count: int) -> list[Instance]:
    return [
        Instance("loglikelihood", {}, (f"question {number}?", answer), idx, metadata=("t", number, 1))
        for number in range(count)
        for idx, answer in enumerate((" yes", " no"))
    ]


class TestWriting:
    def test_answers_come_in_order_and_are_kept(self, tmp_path) -> None:
        with serving(delay=0.1) as server:
            client = chat(server)
            first = remote(client, tmp_path / "a.sqlite").write(questions(client, 9))
            assert first == [f"m heard: question {number}?" for number in range(9)]
            assert len(server.asked) == 9
            assert 1 < server.most <= 4
            again = remote(chat(server), tmp_path / "a.sqlite")
            assert again.write(questions(client, 10)) == [*first, "m heard: question 9?"]
            assert len(server.asked) == 10
        assert (again.asked, again.account.found) == (1, 9)
        store = AnswerStore(tmp_path / "a.sqlite", must_exist=True)
        assert store.verify() == []
        row = next(iter(store.rows()))
        # The loopback server counts letters of the prompt and words of the answer.
        assert (row.kind, row.phase, row.task, row.model, row.read, row.written, row.counted) == (
            *("text", "answers", "t", "m", 11, 4, True),
        )
        assert json.loads(row.body)["messages"][0]["content"].startswith("question")

    def test_greedy_questions_that_are_equal_are_asked_once(self) -> None:
        with serving() as server:
            client = chat(server)
            assert len(set(remote(client).write(questions(client, 1) * 3))) == 1
            assert len(server.asked) == 1

    def test_drawn_answers_are_numbered(self, tmp_path) -> None:
        replies = iter(range(100))
        with serving(say=lambda asked: f"draw {next(replies)}") as server:
            client = chat(server)
            one = questions(client, 1, temperature=1.0)
            first = remote(client, tmp_path / "a.sqlite").write(one * 3)
            assert len(set(first)) == 3
            more = remote(client, tmp_path / "a.sqlite").write(one * 5)
            assert more[:3] == first
            assert len(set(more)) == 5
            assert len(server.asked) == 5

    def test_what_decides_an_answer_is_asked_anew(self, tmp_path) -> None:
        with serving() as server:
            for number, settings in enumerate(
                ({}, {"max_gen_toks": 9}, {"until": ["."]}, {"temperature": 0.5}, {"seed": 7}, {"top_p": 0.9}), start=1
            ):
                client = chat(server)
                remote(client, tmp_path / "a.sqlite").write(questions(client, 1, **settings))
                assert len(server.asked) == number
            other = chat(server)
            other.model = "another"
            remote(other, tmp_path / "a.sqlite").write(questions(other, 1))
            assert len(server.asked) == 7

    def test_content_that_is_left_out_is_an_empty_answer(self) -> None:
        with serving(say=lambda asked: None) as server:  # type: ignore[arg-type, return-value]
            server.say = lambda asked: ""
            client = chat(server)
            assert remote(client).write(questions(client, 1)) == [""]

    def test_prompts_share_requests_as_batch_size_says(self) -> None:
        with serving(say=lambda asked: str(len(asked["prompt"]))) as server:
            client = completions(server, batch_size=3)
            asked = [
                Instance(
                    "generate_until", {}, (f"q{number}", {"until": [], "max_gen_toks": 4}), 0, metadata=("t", 0, 1)
                )
                for number in range(6)
            ]
            with pytest.raises(RemoteError, match="its answers are broken"):  # this server answers the first alone
                remote(client, attempts=1).write(asked)
            assert len(server.asked[0][1]["prompt"]) == 3


class TestScoring:
    def test_figures_by_hand_and_each_once(self, tmp_path) -> None:
        with serving(echo=lambda tokens: [-0.25] * (len(tokens) - 1)) as server:
            client = completions(server)
            made = remote(client, tmp_path / "a.sqlite")
            assert made.score(scored(2)) == [(-1.0, True), (-0.75, True)] * 2  # four and three letters
            assert made.score(scored(3))[4:] == [(-1.0, True), (-0.75, True)]
            assert len(server.asked) == 6
        assert "_loglikelihood_tokens" not in vars(client)
        (scoring,) = made.account.store.spent(["phase"])
        assert scoring[0] == ("scoring",)
        assert scoring[1].answers == 6

    def test_several_prompts_in_a_request_come_back_in_order(self) -> None:
        with serving(echo=lambda tokens: [-tokens[9] / 100] * (len(tokens) - 1)) as server:
            made = remote(completions(server, batch_size=4), attempts=1).score(scored(3))
            assert sorted(len(body["prompt"]) for _, body in server.asked) == [2, 4]
        # The tenth letter is the number; " yes" has four letters and " no" three.
        expected = [-ord(str(number)) / 100 * length for number in range(3) for length in (4, 3)]
        assert [value for value, _ in made] == pytest.approx(expected)

    def test_batch_size_and_order_do_not_change_keys(self, tmp_path) -> None:
        with serving(echo=lambda tokens: [-0.5] * (len(tokens) - 1)) as server:
            remote(completions(server), tmp_path / "a.sqlite").score(scored(3))
            remote(completions(server, batch_size=4), tmp_path / "a.sqlite").score(scored(3)[::-1])
            assert len(server.asked) == 6

    def test_whole_texts(self) -> None:
        with serving(echo=lambda tokens: [-0.25] * (len(tokens) - 1)) as server:
            found = remote(completions(server)).score_whole([Instance("loglikelihood_rolling", {}, ("abcd",), 0)])
        assert found == [-1.0]

    def test_a_server_that_does_not_echo(self) -> None:
        with serving(echo=lambda tokens: []) as server:
            client = completions(server)
            with pytest.raises(
                ModPluralError, match="the server returns 2 log-probabilities for a prompt of 15 tokens"
            ):
                remote(client).score(scored(1)[:1])
            assert len(server.asked) == 1

    def test_a_tokenizer_of_another_model(self) -> None:
        with serving(echo=lambda tokens: [-0.5] * len(tokens)) as server, pytest.raises(ModPluralError) as told:
            remote(completions(server)).score(scored(1)[:1])
        assert "the server counts 16 tokens where the tokenizer of model_args counts 15" in str(told.value)

    def test_chats_give_none(self) -> None:
        with serving() as server:
            client = chat(server)
            with pytest.raises(NotImplementedError):
                remote(client).score(scored(1))
            assert "_loglikelihood_tokens" not in vars(client)


class TestFirstTokens:
    def test_are_kept_where_there_are_any(self, tmp_path) -> None:
        shown = {"A": 0.5, "B": 0.25}
        with serving(top=lambda asked: shown) as server:
            client = chat(server)
            asked = questions(client, 1, logprobs=True, top_logprobs=20, max_gen_toks=1)
            found = remote(client, tmp_path / "a.sqlite").first_tokens(asked)
            assert found == remote(client, tmp_path / "a.sqlite").first_tokens(asked)
            assert [token for token, _ in found[0] or ()] == ["A", "B"]
            assert len(server.asked) == 1
            server.top = None
            more = questions(client, 2, logprobs=True, top_logprobs=20, max_gen_toks=1)[1:]
            assert remote(client, tmp_path / "a.sqlite").first_tokens(more) == [None]
            server.top = lambda asked: shown  # told to show them meanwhile
            assert remote(client, tmp_path / "a.sqlite").first_tokens(more) == found


FAULTS = (429, 500, 503, "drop", "truncate", "cut", "empty")


class TestFaults:
    @pytest.mark.parametrize("fault", FAULTS)
    def test_pass(self, fault) -> None:
        with serving(fault=lambda asked, time_of: fault if time_of == 1 else None) as server:
            client = chat(server)
            made = remote(client)
            assert made.write(questions(client, 3)) == [f"m heard: question {number}?" for number in range(3)]
            assert len(server.asked) == 6
        assert sum(made.retry_policy.retries.values()) == 3
        assert made.asked == 3
        assert sum(made.account.as_json()["retries"].values()) == 3
        lost = made.account.ledger.lost.answers
        assert lost == (3 if fault in ("cut", "empty") else 0)

    def test_a_third_of_everything_and_then_nothing_for_a_while(self, tmp_path) -> None:
        """Answers equal those without faults, and none that was delivered whole is asked for again."""
        rng, lock = random.Random(1), threading.Lock()
        delivered: Counter[str] = Counter()

        def fault(asked: Any, _: int) -> Any:
            with lock:
                bad = rng.choice(FAULTS) if rng.random() < 0.3 else None
                down = delivered.total() >= 60 and made.retry_policy.breaker.opened < 3
                bad = 503 if down else bad
                if bad is None:
                    delivered[json.dumps(asked)] += 1
            return bad

        with serving(say=drawn, delay=0.005) as server:
            client = chat(server)
            expected = remote(client).write(questions(client, 200, temperature=1.0))
            made = remote(client, tmp_path / "a.sqlite")
            made.retry_policy.breaker.shortest = 0.05
            server.fault = fault
            assert made.write(questions(client, 200, temperature=1.0)) == expected
        assert set(delivered.values()) == {1}
        assert len(delivered) == 200
        assert sum(made.retry_policy.retries.values()) >= 50
        assert made.retry_policy.breaker.opened >= 3

    def test_slow_answers(self) -> None:
        with serving(fault=lambda asked, time_of: "hang" if time_of == 1 else None) as server:
            client = chat(server)
            client.timeout = 0.1
            made = remote(client)
            assert made.write(questions(client, 1)) == ["m heard: question 0?"]
            server.released.set()
        assert dict(made.retry_policy.retries) == {"time-out": 1}

    @pytest.mark.parametrize(
        ("fault", "said"),
        [
            (400, "400, it refuses the request; look at model=…"),
            (401, "401, it refuses the key; set the environment variable OPENAI_API_KEY"),
            (402, "402, the account has no money left"),
            (404, "404, no such model or address; look at model=… and base_url=…"),
            (501, "501, it does not know this kind of request"),
            ("html", "its answer cannot be read; is base_url the whole path"),
        ],
    )
    def test_that_do_not_pass_are_one_error_after_one_try(self, fault, said) -> None:
        with serving(fault=lambda asked, time_of: fault) as server:
            client = chat(server)
            with pytest.raises(RemoteError) as told:
                remote(client).write(questions(client, 1))
            assert len(server.asked) == 1
        assert said in str(told.value)
        assert str(told.value).startswith(f"the model 'm' (LocalChatCompletion) does not answer at {server.url}/chat/")
        assert told.value.status == (fault if isinstance(fault, int) else None)

    def test_what_was_answered_before_one_is_kept(self, tmp_path) -> None:
        with serving(fault=lambda asked, _: 400 if "question 5?" in json.dumps(asked) else None) as server:
            client = chat(server)
            with pytest.raises(RemoteError):
                remote(client, tmp_path / "a.sqlite").write(questions(client, 6))
            server.fault = None
            assert len(remote(client, tmp_path / "a.sqlite").write(questions(client, 6))) == 6
            assert len(server.asked) == 7

    def test_who_waits_is_not_held_up_by_one_that_failed(self) -> None:
        """An error ends the call although others are in long back-offs."""

        def fault(asked: Any, _: int) -> Any:
            end = time.monotonic() + 20
            while len(server.asked) < 4 and time.monotonic() < end:  # all are in flight
                time.sleep(0.01)
            return 400 if "question 3?" in json.dumps(asked) else {"status": 503, "headers": {"Retry-After": "60"}}

        with serving(fault=fault) as server:
            client = chat(server)
            started = time.monotonic()
            with pytest.raises(RemoteError, match="400"):
                remote(client).write(questions(client, 4))
            assert time.monotonic() - started < 20

    def test_nobody_there(self, monkeypatch) -> None:
        monkeypatch.setattr(module, "FIRST_CONTACT", 0.0)
        with serving() as server:
            client = chat(server)
        with pytest.raises(RemoteError, match="nobody is there; is the server up, and base_url right"):
            remote(client).write(questions(client, 1))

    def test_plain_prompts_for_a_chat(self) -> None:
        with serving() as server, pytest.raises(ModPluralError, match="add --apply_chat_template"):
            remote(chat(server)).write([Instance("generate_until", {}, ("plain", {"until": []}), 0)])

    def test_the_harness_does_not_log_each(self, caplog) -> None:
        with serving(fault=lambda asked, time_of: 500 if time_of == 1 else None) as server:
            client = chat(server)
            remote(client).write(questions(client, 3))
        assert "API request failed" not in caplog.text

    @pytest.mark.own_process
    def test_an_interruption_keeps_what_is_in_flight(self, tmp_path, monkeypatch) -> None:
        noticed = threading.Event()  # no answer is given before, however busy the machine is
        monkeypatch.setattr("community_lms.remote.concurrency.logger.warning", lambda *_: noticed.set())
        with serving(fault=lambda *_: noticed.wait(60) and None) as server:
            client = chat(server)

            with pytest.raises(KeyboardInterrupt), interrupted(lambda: len(server.asked) == 4):
                remote(client, tmp_path / "a.sqlite").write(questions(client, 40))
            assert len(server.asked) == 4
            assert len(AnswerStore(tmp_path / "a.sqlite")) == 4


class TestBudget:
    # The server counts 11 letters for each prompt and 4 words for each answer: 15 tokens.
    def test_stops_before_it_is_passed_and_goes_on(self, tmp_path) -> None:
        with serving() as server:
            client = chat(server)
            everything = questions(client, 10)
            # Sixteen tokens may be needed for each, fifteen are: three fit into the first 60, and so on.
            for done in (3, 6, 9):
                made = remote(client, tmp_path / "a.sqlite", Limits(tokens=60))
                with pytest.raises(BudgetReachedError, match="the budget of 60 tokens is reached"):
                    made.write(everything)
                assert made.account.ledger.budget.total.tokens == 45
                assert len(AnswerStore(tmp_path / "a.sqlite")) == done
            answers = remote(client, tmp_path / "a.sqlite", Limits(tokens=60)).write(everything)
            assert answers == [f"m heard: question {number}?" for number in range(10)]
            assert len(server.asked) == 10

    def test_of_cost(self, tmp_path) -> None:
        prices = Prices([Price(model="m", read=1_000.0, written=2_000.0)])  # .011 + .008 dollars for each
        with serving() as server:
            client = chat(server)
            made = remote(client, tmp_path / "a.sqlite", Limits(cost=0.1), prices)
            with pytest.raises(BudgetReachedError, match=r"the budget of \$0.1 is reached"):
                made.write(questions(client, 10))
            assert 0.019 < made.account.ledger.budget.total.cost <= 0.1
            rows = list(AnswerStore(tmp_path / "a.sqlite").rows())
            assert [row.cost for row in rows] == pytest.approx([0.019] * len(rows))

    def test_of_cost_needs_a_price(self) -> None:
        with serving() as server, pytest.raises(ModPluralError, match="no price is known for the model 'm'"):
            remote(chat(server), None, Limits(cost=1.0), Prices([]))
        assert server.asked == []

    def test_tokens_that_the_server_does_not_count_are_estimated(self) -> None:
        with serving(counts=False) as server:
            client = chat(server)
            made = remote(client)
            made.write(questions(client, 1))
        total = made.account.ledger.budget.total
        # (11 + 12) bytes / 3, and 20 bytes / 3 + 1.
        assert (total.read, total.written, total.estimated) == (8, 7, 1)


def test_suits_clients_of_the_harness_alone() -> None:
    from lm_eval.models.anthropic_llms import AnthropicChat, AnthropicLM

    class Own(LocalCompletionsAPI):
        def generate_until(self, requests: Any, disable_tqdm: bool = False) -> Any:
            return []

    for kind, expected in ((LocalChatCompletion, True), (AnthropicChat, True), (AnthropicLM, False), (Own, False)):
        assert abilities_of(kind).asked_here is expected


class TestAnthropic:
    """Its protocol has other fields: a stand-in for the connection, the harness's own client for all else."""

    @pytest.fixture
    def client(self, monkeypatch) -> Any:
        from lm_eval.models.anthropic_llms import AnthropicChat

        monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
        made = AnthropicChat(model="claude", num_concurrent=2)
        asked: list[Any] = []

        def call(messages: Any, *, generate: bool = True, gen_kwargs: Any = None, **_: Any) -> Any:
            body = made._create_payload(made.create_message(messages), generate=generate, gen_kwargs=dict(gen_kwargs))
            asked.append(body)
            return {
                "content": [{"type": "text", "text": f"answer {len(asked)}"}],
                "usage": {"input_tokens": 30, "output_tokens": 5},
            }

        made.model_call = call
        made.asked = asked
        return made

    def test_tokens_are_read_and_draws_without_seeds_are_numbered(self, client, tmp_path) -> None:
        asked = questions(client, 1, temperature=1.0)
        made = remote(client, tmp_path / "a.sqlite")
        rounds = []
        for first in (0, 2):
            drawn = [Instance("generate_until", {}, asked[0].args, 0, metadata=("t", 0, 1)) for _ in range(2)]
            for number, one in enumerate(drawn, start=first):
                one.purpose = {"phase": "sampled answers", "community": "", "sample": number}
            rounds += made.write(drawn)
        assert len(set(rounds)) == 4  # a later round is no repetition of the first
        assert (made.account.ledger.budget.total.read, made.account.ledger.budget.total.written) == (120, 20)
        assert all("seed" not in body for body in client.asked)

    def test_an_answer_without_content_is_asked_for_again_and_then_an_error(self, client) -> None:
        client.model_call = lambda **_: {"content": [], "usage": {"input_tokens": 30, "output_tokens": 0}}
        made = remote(client, attempts=2)
        with pytest.raises(RemoteError, match="its answers are broken, for 2 attempts"):
            made.write(questions(client, 1))
        assert made.account.ledger.lost.read == 60


def test_what_is_lost_counts_against_the_budget() -> None:
    """Each broken answer costs fifteen tokens of sixty: after the third there is not enough for a fourth."""
    with serving(fault=lambda asked, time_of: "empty") as server:
        client = chat(server)
        made = remote(client, limits=Limits(tokens=60))
        with pytest.raises(BudgetReachedError):
            made.write(questions(client, 1))
        assert made.account.ledger.budget.total.tokens <= 60
        assert len(server.asked) == 3
