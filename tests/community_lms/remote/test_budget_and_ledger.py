"""Budgets and books, by figures worked out by hand."""

from __future__ import annotations

import threading

import pytest

from community_lms.remote import prices as table
from community_lms.remote.budget import Budget, BudgetReachedError, Limits, command_budget, shared_budget
from community_lms.remote.ledger import Ledger
from community_lms.remote.prices import Price, Prices, load_prices
from community_lms.remote.usage import Purpose, Usage, UsageTotal, share
from plural_tasks.utils.errors import ModPluralError

# A dollar for a thousand tokens read, ten for a thousand written.
DEAR = Prices([Price(model="dear", read=1_000.0, written=10_000.0)])


def budget(cost: float | None = None, tokens: int | None = None) -> Budget:
    return Budget(Limits(cost, tokens), DEAR)


class TestBudget:
    def test_sets_aside_the_most_that_a_request_can_cost(self) -> None:
        # 300 bytes / 3 = 100 tokens read, 50 written: 100 * .001 + 50 * .01 = .6 dollars.
        reservation = budget().reserve("dear", 300, 50)
        assert reservation is not None
        assert (reservation.read, reservation.written) == (100, 50)
        assert reservation.cost == pytest.approx(0.6)

    def test_waits_for_what_is_in_flight_and_then_ends(self) -> None:
        own = budget(cost=1.0)
        first = own.reserve("dear", 300, 50)
        assert first is not None
        assert own.reserve("dear", 300, 50) is None  # .6 + .6 would be too much, .6 alone would not
        own.pay(share(Usage(100, 10), first.price, 1))  # .2
        own.settle(first)
        second = own.reserve("dear", 300, 50)  # .2 + .6
        assert second is not None
        own.pay(share(Usage(100, 50), second.price, 1))
        own.settle(second)
        with pytest.raises(BudgetReachedError) as told:
            own.reserve("dear", 300, 50)
        assert str(told.value) == (
            "the budget of $1 is reached: 2 answers with 260 tokens ($0.8000) were paid for, and the next could go "
            "over it. All of them are kept; the same command goes on, with as much again."
        )
        assert own.reserve("dear", 2, 10) is not None  # a small one has room

    def test_tokens(self) -> None:
        own = budget(tokens=300)
        first = own.reserve("free", 300, 50)
        assert first is not None
        assert own.reserve("free", 300, 49) is not None  # 150 + 149
        assert own.reserve("free", 3, 1) is None  # 1 + 1 and 1 is left
        own.settle(first)
        assert own.reserve("free", 300, 50) is not None
        with pytest.raises(
            BudgetReachedError, match="the budget of 10 tokens is reached: 0 answers with 0 tokens were"
        ):
            budget(tokens=10).reserve("free", 300, 50)

    def test_learns_how_long_tokens_are(self) -> None:
        own = budget()

        def read(model: str = "dear") -> int:
            reservation = own.reserve(model, 500, 1)
            assert reservation is not None
            own.settle(reservation)
            return reservation.read

        for tokens in [50] * 19 + [100]:
            assert read() == 167  # 500 / 3
            reservation = own.reserve("dear", 500, 1)
            assert reservation is not None
            own.settle(reservation, Usage(tokens, 1))
        assert read() == 111  # the most so far, 100, and a tenth (and what floats add)
        assert read("other") == 167

    def test_no_limit_is_passed_by_many_at_once(self) -> None:
        own = budget(tokens=1_000)
        taken: list[int] = []

        def ask() -> None:
            while True:
                try:
                    reservation = own.reserve("free", 27, 30)
                except BudgetReachedError:
                    return
                if reservation is not None:
                    taken.append(1)
                    own.pay(share(Usage(10, 30), None, 1))
                    own.settle(reservation)

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(taken) == 25
        assert own.total.tokens == 1_000

    def test_a_limit_of_cost_needs_a_price(self) -> None:
        budget(tokens=5).check("unknown")
        with pytest.raises(ModPluralError, match=r"no price is known for the model 'deer' \(near: dear\)"):
            budget(cost=5.0).check("deer")

    def test_a_command_has_one(self) -> None:
        own = budget()
        assert command_budget() is None
        with shared_budget(own):
            assert command_budget() is own
        assert command_budget() is None


class TestLedger:
    def test_books_by_phase_community_and_document(self) -> None:
        ledger = Ledger(budget())
        for phase, community, doc, usage in (
            ("scoring", "", "0", Usage(100, 1)),
            ("scoring", "", "1", Usage(50, 1)),
            ("messages", "asia", "0", Usage(10, 20, counted=False)),
        ):
            reservation = ledger.budget.reserve("dear", 0, 1)
            assert reservation is not None
            ledger.book(reservation, usage, [Purpose(phase, community, "t", doc)])
        now = ledger.as_json()["now"]
        assert (now["answers"], now["read"], now["written"], now["estimated"]) == (3, 160, 22, 1)
        assert now["cost"] == pytest.approx(0.16 + 0.22)
        assert now["by_phase"]["scoring"]["cost"] == pytest.approx(0.15 + 0.02)
        assert now["by_community"] == {"asia": now["by_phase"]["messages"]}
        assert ledger.of_document("t", "0")["read"] == 110
        assert ledger.of_document("t", "9")["answers"] == 0

    def test_stored_answers_are_told_apart(self) -> None:
        ledger = Ledger(budget())
        ledger.find(Purpose("answers", "", "t", "3"), UsageTotal(1, 7, 8, 0.5))
        told = ledger.as_json()
        assert (told["now"]["answers"], told["stored"]["answers"], told["stored"]["cost"]) == (0, 1, 0.5)
        assert ledger.budget.total.answers == 0  # and cost nothing now
        assert ledger.of_document("t", "3")["cost"] == 0.5

    def test_lost_answers_were_paid_for(self) -> None:
        ledger = Ledger(budget())
        reservation = ledger.budget.reserve("dear", 0, 1)
        assert reservation is not None
        ledger.lose(reservation, Usage(100, 10), [Purpose("answers")])
        ledger.book(reservation, Usage(100, 10), [Purpose("answers")])
        told = ledger.as_json()
        assert (told["lost"]["cost"], told["now"]["cost"]) == (pytest.approx(0.2), pytest.approx(0.4))

    def test_a_request_of_several_answers_is_divided(self) -> None:
        parts = share(Usage(10, 2), DEAR.of("dear"), 3)
        assert [(one.read, one.written) for one in parts] == [(4, 1), (3, 1), (3, 0)]
        assert sum(one.cost for one in parts) == pytest.approx(0.01 + 0.02)
        assert [one.unpriced for one in share(Usage(1, 1), None, 2)] == [1, 1]


class TestPrices:
    def test_the_users_go_first_and_may_hold_a_star(self, tmp_path) -> None:
        own = tmp_path / "prices.yaml"
        own.write_text(
            "prices:\n  - {model: gpt-4o-mini, read: 9, written: 9}\n  - {model: 'local/*', read: 0, written: 0}\n"
        )
        prices = load_prices(own)
        assert prices.of("gpt-4o-mini").read == 9
        assert prices.of("local/any").written == 0
        assert prices.of("nobody's") is None

    def test_the_table_that_comes_along(self) -> None:
        entries = table._read(str(table.TABLE)).prices
        assert len(entries) > 50
        assert all(entry.source.startswith("https://") for entry in entries)
        assert all(0 < entry.read <= entry.written < 1_000 for entry in entries)
        assert len({entry.model for entry in entries}) == len(entries)
        assert load_prices().of("gpt-4o-mini").of(1_000_000, 1_000_000) == pytest.approx(0.75)

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("prices: [{model: a, read: -1, written: 0}]", "greater than or equal to 0"),
            ("prices: [{model: a, read: .nan, written: 0}]", "finite"),
            ("prices: [{model: a, read: 1}]", "written"),
            ("prices: [{model: a, read: 1, writen: 1}]", "writen"),
            ("price: []", "price"),
            ("prices: [", "YAML"),
        ],
    )
    def test_a_table_that_is_wrong_is_one_error(self, tmp_path, text, said) -> None:
        path = tmp_path / "prices.yaml"
        path.write_text(text)
        with pytest.raises(ModPluralError, match=said) as told:
            load_prices(path)
        assert str(path) in str(told.value)

    def test_no_such_file(self, tmp_path) -> None:
        with pytest.raises(ModPluralError, match="nowhere"):
            load_prices(tmp_path / "nowhere.yaml")
