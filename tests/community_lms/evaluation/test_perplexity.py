import math

import pytest

from community_lms.evaluation.perplexity import (
    Reading,
    as_rows,
    bits_per_byte,
    cross_table,
    difference,
    from_rows,
    perplexity,
)
from community_lms.evaluation.texts import EvaluationText

LN2 = math.log(2.0)


def readings(*nlls: float, tokens: int = 2, size: int = 4) -> list[Reading]:
    return [Reading(nll, tokens, size) for nll in nlls]


def test_perplexity_is_per_token_of_all_texts_together() -> None:
    # (1 ln 2 + 8 ln 2) / (1 + 2 tokens) = 3 ln 2 -> 8; the mean of the texts' own would be (2 + 16) / 2 = 9
    assert perplexity([Reading(LN2, 1, 5), Reading(8 * LN2, 2, 5)]) == pytest.approx(8.0)
    # 9 bits over 10 bytes
    assert bits_per_byte([Reading(LN2, 1, 5), Reading(8 * LN2, 2, 5)]) == pytest.approx(0.9)
    assert perplexity([Reading(5000.0, 1, 1)]) == math.inf
    assert math.isnan(bits_per_byte([Reading(1.0, 1, 0)]))


def test_a_difference_is_paired_and_per_token() -> None:
    found = difference(readings(1.0, 5.0), readings(2.0, 6.0), ["a", "b"])

    # (1 - 2 + 5 - 6) / 4 tokens; each document differs by the same, so every draw gives -0.5
    assert found == {"estimate": -0.5, "interval": (-0.5, -0.5), "per": "token", "n": 2, "n_clusters": 2}


def test_an_interval_spans_what_clusters_say_and_none_is_given_for_one() -> None:
    a, b = readings(1.0, 1.0, 6.0, 6.0), readings(2.0, 2.0, 2.0, 2.0)
    # cluster x alone: -1 / 2 tokens; cluster y alone: 4 / 2; all: (-2 + 8) / 8
    found = difference(a, b, ["x", "x", "y", "y"])
    assert found["estimate"] == pytest.approx(0.75)
    assert found["interval"] == pytest.approx((-0.5, 2.0))
    assert found["n_clusters"] == 2
    assert all(map(math.isnan, difference(a, b, ["x"] * 4)["interval"]))


def test_other_tokens_make_the_difference_one_per_byte() -> None:
    found = difference(readings(1.0, 5.0), readings(2.0, 6.0, tokens=3), ["a", "b"])

    assert (found["estimate"], found["per"]) == (-0.25, "byte")  # -2 / 8 bytes


def test_the_cross_table_names_who_reads_best_and_the_exceptions() -> None:
    names = ("left", "right", "news")
    texts = {name: [EvaluationText("", f"{name} {number}") for number in range(2)] for name in names}
    read = {
        "left": {"left": readings(LN2, LN2), "right": readings(2.0, 2.0), "news": readings(1.0, 1.0)},
        "right": {"left": readings(2.0, 2.0), "right": readings(3.0, 3.0), "news": readings(1.0, 1.0)},
        "backbone": {"left": readings(4.0, 4.0), "right": readings(2.5, 2.5), "news": readings(1.0, 1.0)},
    }
    found = cross_table(read, texts)

    assert found["texts"] == ["left", "right", "news"]
    assert found["readers"] == ["left", "right", "backbone"]
    assert found["table"][0][0] == pytest.approx(math.sqrt(2.0))  # 2 ln 2 over 4 tokens
    assert found["table"][2][1] == pytest.approx(math.exp(1.25))
    assert found["tokens"] == {"left": 4, "right": 4, "news": 4}
    assert found["documents"] == {"left": 2, "right": 2, "news": 2}
    assert found["best"] == {"own": 1, "of": 2, "exceptions": {"right": "left"}}
    assert list(found["own"]) == ["left", "right"]
    assert found["own"]["right"]["against_backbone"]["estimate"] == pytest.approx(0.25)  # (3 - 2.5) / 2
    assert found["own"]["right"]["against_other"]["reader"] == "left"
    assert found["own"]["right"]["against_other"]["estimate"] == pytest.approx(0.5)
    assert found["own"]["left"]["against_backbone"]["estimate"] == pytest.approx((LN2 - 4.0) / 2)


def test_a_tie_goes_to_the_own_reader_and_one_reader_has_no_other() -> None:
    texts = {"left": [EvaluationText("", "a"), EvaluationText("", "b")]}
    found = cross_table({"backbone": {"left": readings(1.0, 1.0)}, "left": {"left": readings(1.0, 1.0)}}, texts)

    assert found["best"]["own"] == 1
    assert "against_other" not in found["own"]["left"]


def test_readings_survive_json() -> None:
    assert from_rows(as_rows(readings(1.0, 2.0))) == readings(1.0, 2.0)
