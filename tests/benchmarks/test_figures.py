"""What the benchmarks make of their rounds, worked out by hand."""

import pytest

from benchmarks.speed.findings import Claim, Finding, read_results, write_results
from benchmarks.speed.shares import top
from benchmarks.speed.timing import Round, median_rate, ratio, take_turns


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global LlamaConfig, apart, memory_growth, REST, Clock, Rates, Shape, message_seconds, reading_seconds
    global step_seconds, SHAPE, RATES
    from transformers import LlamaConfig

    from benchmarks.speed.growth import apart, memory_growth
    from benchmarks.speed.phases import REST, Clock
    from benchmarks.speed.rates import Rates, Shape, message_seconds, reading_seconds, step_seconds

    SHAPE = Shape(inner=100, outer=50, kept=4, size=2)
    RATES = Rates(matrix=1000.0, copy=300.0)


def test_the_shape_of_a_model() -> None:
    config = LlamaConfig(
        hidden_size=8,
        intermediate_size=16,
        num_attention_heads=4,
        num_key_value_heads=2,
        num_hidden_layers=3,
        vocab_size=10,
    )
    # Keys and values: 2 x 2 heads x 2 numbers. A layer: 8 x (8 + 8 + 8) for q, o, k and v, 3 x 8 x 16 for the rest.
    assert Shape.of(config, low=True) == Shape(inner=3 * (192 + 384), outer=80, kept=24, size=2)
    assert Shape.of(config, low=False).size == 4


def test_limits() -> None:
    # 2 x (100 x 10 tokens + 50 x 2 scored) / 1000.
    assert reading_seconds(SHAPE, RATES, 10, 2) == pytest.approx(2.2)
    # Arithmetic: 2 x 150 x 4 rows / 1000 = 1.2; memory: (150 + 12 tokens x 4) x 2 bytes / 300 = 1.32.
    assert step_seconds(SHAPE, RATES, [3, 3, 3, 3]) == pytest.approx(1.32)
    # Without anything before: memory takes 1.0, arithmetic 1.2.
    assert step_seconds(SHAPE, RATES, [0, 0, 0, 0]) == pytest.approx(1.2)
    # Reads 5 tokens (1.0), then a step of both texts and one of the longer, both bound by memory.
    both, longer = (150 + 5 * 4) * 2 / 300, (150 + 4 * 4) * 2 / 300
    assert message_seconds(SHAPE, RATES, [3, 2], [2, 1]) == pytest.approx(1.0 + both + longer)


def test_rounds_alternate_after_one_that_warms_up() -> None:
    order: list[str] = []
    ways = {name: lambda name=name: order.append(name) or 2.0 for name in "ab"}
    found = take_turns(ways, 2)
    assert order == list("ababab")
    assert [len(rounds) for rounds in found.values()] == [2, 2]
    assert found["a"][0].amount == 2.0


def test_medians_and_ratios() -> None:
    rounds = [Round(1.0, 10), Round(2.0, 10), Round(4.0, 10)]
    assert median_rate(rounds) == 5.0
    # By turns: 10 / 5, 5 / 5 and 2.5 / 5.
    assert ratio(rounds, [Round(1.0, 5)] * 3) == 1.0


def test_claims() -> None:
    assert Claim("speed", 25.0, 25).met
    assert not Claim("speed", 24.9, 25).met
    assert Claim("overhead", 5.0, 5, "at most", "%").met
    assert not Claim("overhead", 5.1, 5, "at most", "%").met


def test_growth() -> None:
    small = {"seconds": 6.0, "communities": 6, "resident": 1000, "adapter": 10}
    large = {"seconds": 26.4, "communities": 24, "resident": 1198, "adapter": 10}
    assert apart(small, large) == pytest.approx(0.1)
    assert memory_growth(small, large) == pytest.approx(1.1)


def test_shares_sum_to_one_with_the_rest_as_others() -> None:
    found = top({"a": 5.0, "b": 1.0, "c": 3.0, "d": 1.0}, most=2)
    assert [(row["name"], row["share"]) for row in found] == [("a", 0.5), ("c", 0.3), ("others", 0.2)]
    assert top({}) == []


def test_the_clock_counts_every_second_once() -> None:
    times = iter([0.0, 1.0, 3.0, 6.0, 10.0, 15.0])
    clock = Clock(lambda: next(times))
    with clock.within("scoring"), clock.within(None):  # from 1, and a model's work from 3 to 6
        pass
    clock.stop()  # at 15, out of the phase since 10
    assert clock.of("scoring") == 9.0
    assert clock.of("scoring", model=True) == 3.0
    assert clock.of(REST) == 6.0


def test_a_results_file_is_replaced_whole_and_of_one_format(tmp_path) -> None:
    path = tmp_path / "deep" / "speed.json"
    entry = Finding("title", "tokens", {"a": [Round(2.0, 4)], "b": [Round(1.0, 4)]}, [("b", "a")]).as_json()
    write_results(path, {"format": 1, "comparisons": {"x": entry}})
    found = read_results(path)["comparisons"]["x"]
    assert found["ways"]["a"] == {"rounds": [{"seconds": 2.0, "amount": 4}], "per_second": 2.0}
    assert found["ratios"] == {"b / a": 2.0}
    assert [one.name for one in path.parent.iterdir()] == ["speed.json"]
    write_results(path, {"format": 0})
    with pytest.raises(SystemExit, match="format 0, expected 1"):
        read_results(path)
