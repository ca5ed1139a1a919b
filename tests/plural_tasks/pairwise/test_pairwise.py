"""Pairing two runs' answers, reading replies, and the figures; all worked out by hand."""

import json
import math

import pytest

from plural_tasks.pairwise import (
    JudgedPair,
    OvertonAnswer,
    Pair,
    agreement,
    as_verdict,
    combine,
    draw,
    find_samples,
    match,
    parse_verdict,
    rates,
    read_answers,
    summarise,
)
from plural_tasks.pairwise.rates import score_interval
from plural_tasks.utils.errors import ModPluralError

DATE = "2026-11-20T19-17-05.686776"


def record(number: int, text: str, **doc) -> dict:
    made = {
        "id": f"ov-{number}",
        "mode": "overton",
        "question": f"crossing bridge {number}",
        "cluster": f"c{number}",
        "values": ["Trade"],
        "explanations": ["Bridges carry goods."],
    }
    return {"doc_id": number, "doc": {**made, **doc}, "resps": [[text]], "filtered_resps": [text], "filter": "none"}


def samples(folder, *records: dict, task: str = "t", date: str = DATE):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"samples_{task}_{date}.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in records), encoding="utf-8")
    return path


def answer(number: int, text: str, **changes) -> OvertonAnswer:
    facts = {"situation": f"s{number}", "cluster": f"c{number}", "gold": (("v",), ("e",)), **changes}
    return OvertonAnswer(id=str(number), text=text, **facts)


# Samples files


def test_samples_are_found_in_a_folder_beside_results_and_by_name(tmp_path) -> None:
    path = samples(tmp_path / "model", record(1, "x"))
    samples(tmp_path / "model", record(1, "y"), task="t_other")
    results = path.with_name(f"results_{DATE}.json")
    results.write_text("{}")
    assert find_samples(tmp_path, "t") == path
    assert find_samples(path, "t") == path
    assert find_samples(results, "t") == path


def test_several_runs_in_a_folder_are_refused_and_dates_tell_them_apart(tmp_path) -> None:
    samples(tmp_path, record(1, "x"))
    second = samples(tmp_path, record(1, "y"), date="2026-11-21T00-00-00.000001")
    with pytest.raises(ModPluralError, match=r"holds 2 samples files of t .*name the one that is meant"):
        find_samples(tmp_path, "t")
    results = tmp_path / "results_2026-11-21T00-00-00.000001.json"
    results.write_text("{}")
    assert find_samples(results, "t") == second


@pytest.mark.parametrize(
    ("name", "task", "message"),
    [
        ("missing", "t", r"missing: no such file or folder"),
        ("run", "tt", r"unknown task 'tt'"),
        ("empty", "t", r"has no samples of t; run lm_eval with --log_samples"),
        ("run/notes.json", "t", r"is neither a samples file .* nor a results file"),
    ],
)
def test_what_is_no_run_is_named(tmp_path, name, task, message) -> None:
    samples(tmp_path / "run", record(1, "x"))
    (tmp_path / "empty").mkdir()
    (tmp_path / "run" / "notes.json").write_text("{}")
    with pytest.raises(ModPluralError, match=message):
        find_samples(tmp_path / name, task)


def test_answers_are_read_with_repeats_and_filters(tmp_path) -> None:
    twice = {**record(2, "x"), "filtered_resps": [["  first ", "second"]]}
    path = samples(tmp_path, record(1, "one\u2028line"), twice, {**twice, "filter": "other"})
    assert [(one.id, one.text, one.cluster) for one in read_answers(path)] == [
        ("ov-1", "one\u2028line", "c1"),
        ("ov-2", "first", "c2"),
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"doc_id": 0, "do', r"jsonl:2: is not a JSON line"),
        ('{"results": {}}', r"jsonl:2: is no sample of lm_eval"),
        (json.dumps(record(2, "x", mode="steerable")), r"jsonl:2: found a document of mode 'steerable'"),
        (json.dumps({**record(2, "x"), "filtered_resps": [[-1.0, False]]}), r"jsonl:2: found no generated text"),
        (json.dumps(record(1, "other")), r"jsonl:2: document 'ov-1' is there twice with different answers"),
    ],
)
def test_a_line_that_is_no_overton_sample_is_named(tmp_path, line, message) -> None:
    path = samples(tmp_path, record(1, "x"))
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(ModPluralError, match=message):
        read_answers(path)


def test_an_empty_file_is_refused(tmp_path) -> None:
    with pytest.raises(ModPluralError, match="holds no sample"):
        read_answers(samples(tmp_path))


# Pairs


def test_pairs_are_matched_by_id_in_the_order_of_the_first_run() -> None:
    pairs = match([answer(2, "a2"), answer(1, "a1")], [answer(1, "b1"), answer(2, "b2")])
    assert [(pair.id, pair.a, pair.b, pair.situation, pair.cluster) for pair in pairs] == [
        ("2", "a2", "b2", "s2", "c2"),
        ("1", "a1", "b1", "s1", "c1"),
    ]


def test_different_documents_are_refused() -> None:
    one, two = answer(1, "x"), answer(2, "x")
    with pytest.raises(ModPluralError, match=r"run B: has no answer to 1 of the 2 documents of run A .*'2'"):
        match([one, two], [one])
    with pytest.raises(ModPluralError, match=r"old: has no answer to 1 of the 2 documents of new .*'2'"):
        match([one], [one, two], names=("old", "new"))
    with pytest.raises(ModPluralError, match=r"document '1' has another situation in run B than in run A"):
        match([one], [answer(1, "x", situation="elsewhere")])
    with pytest.raises(ModPluralError, match=r"document '1' has other values in run B than in run A"):
        match([one], [answer(1, "x", gold=(("w",), ("e",)))])


def test_a_draw_is_seeded_and_a_larger_one_holds_the_smaller() -> None:
    pairs = [Pair(str(number), "s", "c", "a", "b") for number in range(30)]
    small, large = draw(pairs, 5, 1), draw(pairs, 12, 1)
    assert len(small) == 5
    assert draw(pairs, 5, 1) == small
    assert draw(pairs, 5, 2) != small
    assert set(small) < set(large)
    assert large == [pair for pair in pairs if pair in large]
    assert draw(pairs, None, 1) == pairs
    with pytest.raises(ModPluralError, match="--limit: found 31, expected 1 to 30"):
        draw(pairs, 31, 1)


def test_the_digest_tells_content_and_sides_apart() -> None:
    pair = Pair("1", "s", "c", "x", "y")
    assert pair.digest == Pair("2", "s", "d", "x", "y").digest
    assert pair.digest != Pair("1", "s", "c", "y", "x").digest
    assert pair.digest != Pair("1", "t", "c", "x", "y").digest


# Replies


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("A", "first"),
        (" b.\n", "second"),
        ("**B**", "second"),
        ("Tie", "tie"),
        ("(A).", "first"),
        ("Answer B", "second"),
        ('"tie"', "tie"),
        ("Verdict: A", "first"),
        ("**Verdict:** Answer B.", "second"),
        ("The verdict is tie", "tie"),
        ("My final answer: B", "second"),
        ("A\n\nAnswer A names four views, answer B two.", "first"),
        ("A says more on rights.\nB is longer.\n\nVerdict: B", "second"),
        ("Answer A\n- trade\nAnswer B\n- rights\nVerdict: A", "first"),
        ("<think>B\nVerdict: B</think>\nA", "first"),
        ("Verdict: A\nVerdict: A", "first"),
    ],
)
def test_plain_verdicts_are_read(reply, expected) -> None:
    assert parse_verdict(reply) == expected


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "A is better.",
        "A person would say B.",
        "A or B",
        "A, B",
        "C",
        "AB",
        "Neither",
        "A\nB",
        "Verdict: A\nVerdict: B",
        "Verdict: A or B",
        "- A\n- B",
        "<think>Verdict: A",
        "<think>\nVerdict: A\n",
        "tied",
        "The verdict isA",
    ],
)
def test_all_else_is_unreadable(reply) -> None:
    assert parse_verdict(reply) is None


def test_a_place_becomes_the_run_that_stood_there() -> None:
    table = {(place, order): as_verdict(place, order) for place in ("first", "second", "tie") for order in ("ab", "ba")}
    assert table == {
        ("first", "ab"): "a",
        ("first", "ba"): "b",
        ("second", "ab"): "b",
        ("second", "ba"): "a",
        ("tie", "ab"): "tie",
        ("tie", "ba"): "tie",
    }
    assert as_verdict(None, "ab") == "unreadable"


def test_a_win_needs_both_orders() -> None:
    assert combine("a", "a") == "a"
    assert combine("b", "b") == "b"
    assert combine("tie", "tie") == "tie"
    assert combine("a", "b") == "tie"
    assert combine("a", "tie") == "tie"
    assert combine("tie", "b") == "tie"
    assert combine("a", "unreadable") == combine("unreadable", "unreadable") == "unreadable"


def judged(ab: str, ba: str, number: int = 0) -> JudgedPair:
    return JudgedPair(str(number), f"c{number}", ab, ba)


def test_disagreement_and_lean_of_a_pair() -> None:
    assert judged("a", "b").order_disagreement  # always the answer shown first
    assert judged("a", "b").lean == 1.0
    assert judged("b", "a").lean == -1.0
    assert judged("a", "a").lean == 0.0
    assert judged("a", "tie").lean == 0.5
    assert judged("tie", "a").lean == -0.5
    assert not judged("a", "a").order_disagreement
    assert not judged("a", "unreadable").order_disagreement
    assert math.isnan(judged("a", "unreadable").lean)


# Figures


def test_rates_by_hand() -> None:
    made = rates(["a", "a", "tie", "b", "unreadable"], ["c1", "c2", "c3", "c4", "c5"])
    assert (made.n, made.n_clusters, made.unreadable) == (4, 4, 1)
    assert (made.wins, made.ties, made.losses) == (2, 1, 1)
    assert (made.win_share, made.tie_share, made.loss_share) == (0.5, 0.25, 0.25)
    assert made.win_rate == 0.625  # (2 + 1/2) / 4
    # Deviations .375, .375, -.125, -.625; squares sum to .6875; sqrt(4/3 * .6875) / 4
    assert made.se == pytest.approx(math.sqrt(4 / 3 * 0.6875) / 4, abs=1e-12)
    # n = .625 * .375 / (.916667 / 16) = .234375 / .0572917 = 4.0909; t(3) = 3.182446, squared 10.127964
    # centre (.625 + 10.127964 / 8.181818) / (1 + 10.127964 / 4.090909) = 1.862862 / 3.475725 = .535964
    # reach 3.182446 / 3.475725 * sqrt(.234375 / 4.090909 + 10.127964 / (4 * 16.735537)) = .915621 * .456712 = .418175
    assert made.interval == pytest.approx((0.535964 - 0.418175, 0.535964 + 0.418175), abs=2e-6)


def test_several_verdicts_on_one_situation_count_as_one_cluster() -> None:
    spread = rates(["a", "a", "b", "b"], ["c1", "c2", "c3", "c4"])
    lumped = rates(["a", "a", "b", "b"], ["c1", "c1", "c2", "c2"])
    assert spread.win_rate == lumped.win_rate == 0.5
    assert spread.se == pytest.approx(math.sqrt(4 / 3) / 4)  # 4 x .25 = 1
    assert lumped.se == pytest.approx(math.sqrt(2 * 2) / 4)  # 2 / 1 x (1^2 + 1^2) = 4
    assert lumped.interval[1] - lumped.interval[0] > spread.interval[1] - spread.interval[0]


def test_situations_of_different_size_count_for_less() -> None:
    made = rates(["a", "a", "a", "b"], ["c1", "c1", "c1", "c2"])
    assert (made.n_clusters, made.n_raters) == (2, 1)
    assert made.n_effective == pytest.approx(1.6)  # (3 + 1)^2 / (9 + 1)


def test_verdicts_of_several_people_are_clustered_by_person_too() -> None:
    verdicts, situations, raters = ["a", "b"] * 4, [1, 1, 2, 2, 3, 3, 4, 4], ["x", "y"] * 4
    judge, people = rates(verdicts, situations), rates(verdicts, situations, raters)
    assert judge.se == 0.0  # all situations have the mean 1/2
    # By rater 2, -2: 2 x 8 = 16, by rating 8/7 x 8/4 = 16/7, and 0 + 16 - 16/7 < 16: sqrt(16) / 8
    assert people.se == 0.5
    # Wilson with n = .25 / .25 = 1 and t(1) = 12.706205, squared 161.447639, of two raters: .5 t / sqrt(1 + t^2)
    assert people.interval == pytest.approx((0.5 - 0.498458, 0.5 + 0.498458), abs=1e-6)
    assert (judge.n_raters, people.n_raters) == (1, 2)


def test_without_spread_the_interval_is_wilsons() -> None:
    made = rates(["a"] * 10, list(range(10)))
    # Wilson with p = 1 and n = 10: n / (n + t^2), t(9) = 2.262157, squared 5.117355: 10 / 15.117355
    assert made.win_rate == 1.0
    assert made.interval == pytest.approx((10 / 15.117355, 1.0), abs=1e-6)
    assert rates(["b"] * 10, list(range(10))).interval == pytest.approx((0.0, 1 - 10 / 15.117355), abs=1e-6)


def test_large_samples_agree_with_the_plain_interval() -> None:
    verdicts = ["a"] * 600 + ["b"] * 400
    low, high = rates(verdicts, list(range(1000))).interval
    assert (low, high) == pytest.approx((0.6 - 1.96 * 0.0155, 0.6 + 1.96 * 0.0155), abs=1e-3)  # sqrt(.24 / 1000)


def test_figures_without_verdicts_are_nan() -> None:
    made = rates(["unreadable"], ["c"])
    assert made.n == 0
    assert all(math.isnan(value) for value in (made.win_rate, made.se, made.win_share, *made.interval))
    assert all(math.isnan(value) for value in score_interval(0.5, 0.1, 1))


def test_agreement_by_hand() -> None:
    one = ["a", "a", "a", "b", "b", "tie", "a", "unreadable"]
    other = ["a", "a", "b", "b", "b", "tie", "unreadable", "a"]
    made = agreement(one, other)
    # 6 pairs, 5 equal. By chance: a 3/6 x 2/6, b 2/6 x 3/6, tie 1/6 x 1/6 = 13/36. (5/6 - 13/36) / (23/36) = 17/23
    assert made.n == 6
    assert made.raw == pytest.approx(5 / 6)
    assert made.kappa == pytest.approx(17 / 23)


def test_kappa_is_nan_where_it_is_not_defined() -> None:
    assert agreement(["a", "a"], ["a", "a"]).raw == 1.0
    assert math.isnan(agreement(["a", "a"], ["a", "a"]).kappa)
    nothing = agreement(["unreadable"], ["a"])
    assert nothing.n == 0
    assert math.isnan(nothing.raw)


def test_summary_by_hand() -> None:
    pairs = [
        Pair("0", "s", "c0", "one two three", "one"),
        Pair("1", "s", "c1", "one", "one two"),
        Pair("2", "s", "c2", "same", "same"),
        Pair("3", "s", "c3", "", "one two"),
    ]
    verdicts = [judged("a", "a", 0), judged("b", "b", 1), judged("a", "b", 2), judged("b", "unreadable", 3)]
    made = summarise(verdicts, pairs)
    assert made["n_pairs"] == 4
    assert (made["rates"]["wins"], made["rates"]["ties"], made["rates"]["losses"]) == (1, 1, 1)
    assert made["rates"]["unreadable"] == 1
    assert made["unreadable_replies"] == 1
    assert made["order_disagreement"] == 1
    assert made["orders"]["raw"] == pytest.approx(2 / 3)
    assert made["position_bias"]["mean"] == pytest.approx(1 / 3)  # 0, 0, 1 and one unreadable
    # Pairs 0 and 1 went to the longer answer; words (3 + 1 + 1 + 0) / 4 and (1 + 2 + 1 + 2) / 4
    assert made["length"] == {"words_a": 1.25, "words_b": 1.5, "longer_won": 1.0, "n": 2}
    mixed = summarise([judged("a", "a", 0), judged("a", "a", 1), *verdicts[2:]], pairs)
    assert mixed["length"]["longer_won"] == 0.5
    assert made["equal_answers"] == 1
    assert made["empty_answers"] == {"a": 1, "b": 0}
    with pytest.raises(ValueError, match="not those of the pairs"):
        summarise(verdicts, pairs[::-1])
