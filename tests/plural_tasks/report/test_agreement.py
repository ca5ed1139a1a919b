"""How far routes agree: distances and what sampling does to them, worked out by hand or by enumeration."""

from __future__ import annotations

import csv
import io
import json
import math
from math import comb
from pathlib import Path
from typing import Any

import pytest

from plural_tasks.metrics import js_distance
from plural_tasks.report.comparing.compare import TaskComparison, compare
from plural_tasks.report.reading.runs import read_runs
from plural_tasks.report.tables.render import to_csv, to_json, to_markdown
from plural_tasks.utils.errors import ModPluralError
from tests.plural_tasks.report.report_runs import MODPLURAL, doc, sample, task, write_run


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global quad, beta
    from scipy.integrate import quad
    from scipy.stats import beta


TASK = "plural_distributional_x"
HALF = 0.5579230
"""JS distance of (.5, .5) and (1, 0), see test_montecarlo: root of .3112781."""

NEAR, FAR = 0.174084, 0.383136
"""JS distances from (.5, .5).

Of (.7, .3): middle (.6, .4); half of .7 log2(.7/.6) + .3 log2(.3/.4) = .031164 and of .5 log2(.5/.6) + .5 log2(.5/.4) =
.029447: .030305, root .174084. Of (.9, .1): middle (.7, .3); half of .167816 and of .125770: .146793, root .383136.
"""


def logged(shares: list[float]) -> list[list[str]]:
    """As the harness writes a row of log-likelihoods."""
    return [[str(math.log(share) if share else -math.inf), "False"] for share in shares]


def records(rows: list[list[float]], per_question: int = 2, **fields: Any) -> list[dict[str, Any]]:
    """Documents d00, d01, … of questions q0, q1, …; a row holds the shares as shown, one order after the other."""
    made = []
    for number, row in enumerate(rows):
        options = len(fields.get("orders", [[0, 1]])[0])
        given = {"options": ["o"] * options, "orders": [list(range(options))], "dont_know": [], **fields}
        asked = doc(f"d{number:02}", f"q{number // per_question}", "distributional", **given)
        made.append(sample(number, asked, {"js_distance": 0.5}) | {"filtered_resps": logged(row)})
    return made


def counted(*orders: list[tuple[float, ...]]) -> list[list[dict[str, Any]]]:
    """What results say of a document: for each order the prompts, each a weight and the counts of the options."""
    return [[{"weight": weight, "counts": counts} for weight, *counts in order] for order in orders]


def run(folder: Path, route: str, rows: list[list[float]], drawn: Any = None, **settings: Any) -> str:
    fields = settings.pop("fields", {})
    elicitation = {"chosen": route, "route": route, "smoothing": settings.pop("smoothing", 0.5)}
    own = {**MODPLURAL, "elicitation": elicitation, **settings}
    if drawn is not None:
        own["drawn"] = {TASK: {str(number): orders for number, orders in enumerate(drawn)}}
    made = task(records(rows, **fields), directions={"js_distance": False})
    label = f"{route}-{len(list(folder.iterdir()))}"
    return f"{label}={write_run(folder / label, {TASK: made}, config={'model': 'modplural', 'modplural': own})}"


def compared(*places: str) -> TaskComparison:
    return compare(read_runs(list(places)), resamples=0).tasks[0]


def sampled(folder: Path, counts: list[Any], shares: list[float], **settings: Any) -> Any:
    """The agreement of a run whose documents have these counts and shares with one that says (.5, .5) of all."""
    fields = {"per_question": 1, **settings.pop("fields", {})}
    flat = [0.5] * len(shares)
    (found,) = compared(
        run(folder, "sample", [shares] * len(counts), counts, fields=fields, **settings),
        run(folder, "logprob", [flat] * len(counts), fields=fields),
    ).agreements
    return found


def test_distances_and_top_options_by_hand(tmp_path: Path) -> None:
    # d00: (.5, .5) and (1, 0): HALF; of a tie half is shared. d01: 1, other tops. d02, d03: the same.
    one = run(tmp_path, "logprob", [[0.5, 0.5], [1.0, 0.0], [0.2, 0.8], [0.6, 0.4]])
    other = run(tmp_path, "verbalised", [[1.0, 0.0], [0.0, 1.0], [0.2, 0.8], [0.6, 0.4]])
    (found,) = compared(one, other).agreements
    mean = (HALF + 1.0) / 4
    assert (found.run, found.other, found.routes) == ("logprob-0", "verbalised-1", ("logprob", "verbalised"))
    assert found.value == pytest.approx(mean, abs=1e-6)
    # Residuals sum to HALF + 1 - 2 mean = 2 mean in q0 and -2 mean in q1: SE = sqrt(2 * 2 * (2 mean)^2) / 4 = mean.
    assert found.se == pytest.approx(mean, abs=1e-6)
    assert (found.low, found.high) == (0.0, 1.0)
    assert found.same_top == pytest.approx((0.5 + 0.0 + 1.0 + 1.0) / 4)
    assert (found.n, found.clusters, found.left_out) == (4, 2, 0)
    assert (found.sampled, found.verdict) == ("", "")
    assert all(math.isnan(one) for one in (found.error, found.reference, found.reference_high, found.answers))


def test_identical_distributions_have_no_distance(tmp_path: Path) -> None:
    rows = [[0.5, 0.5], [0.7, 0.3], [1.0, 0.0], [0.1, 0.9]]
    (found,) = compared(run(tmp_path, "logprob", rows), run(tmp_path, "verbalised", rows)).agreements
    assert (found.value, found.low, found.high, found.same_top) == (0.0, 0.0, 0.0, 1.0)


def test_options_without_an_opinion_are_left_out(tmp_path: Path) -> None:
    # Without the third option: (.5, .5) and (1, 0).
    fields = {"dont_know": [2], "orders": [[0, 1, 2]]}
    one = run(tmp_path, "logprob", [[0.4, 0.4, 0.2]] * 2, fields=fields)
    other = run(tmp_path, "verbalised", [[0.3, 0.0, 0.7]] * 2, fields=fields)
    assert compared(one, other).agreements[0].value == pytest.approx(HALF, abs=1e-6)


def test_documents_without_a_distribution_are_counted(tmp_path: Path) -> None:
    fields = {"dont_know": [1]}  # d00 to d02 have one option with an opinion: nothing to agree on
    one, other = run(tmp_path, "logprob", [[0.5, 0.5], [0.0, 0.0], [1.0, 0.0]]), [[0.5, 0.5], [1.0, 0.0], [0.0, 0.0]]
    found = compared(one, run(tmp_path, "verbalised", other))
    assert (found.agreements[0].n, found.agreements[0].left_out, found.agreements[0].value) == (1, 2, 0.0)
    (tmp_path / "more").mkdir()
    places = [run(tmp_path / "more", route, other, fields=fields) for route in ("logprob", "verbalised")]
    (nothing,) = compared(*places).agreements
    assert (nothing.n, nothing.left_out, nothing.verdict) == (0, 3, "")
    assert math.isnan(nothing.value)


def test_what_sampling_alone_gives_is_the_mean_over_all_answers(tmp_path: Path) -> None:
    # Of 4 answers to (.5, .5), smoothed by .5: 2 : 2 with 6/16 gives (.5, .5); 3 : 1 or 1 : 3 with 8/16 (.7, .3); 4 : 0
    # or 0 : 4 with 2/16 (.9, .1). Mean: .5 NEAR + .125 FAR = .134934.
    found = sampled(tmp_path, [counted([(1, 3, 1)])] * 20, [0.7, 0.3])
    expected = 0.5 * NEAR + 0.125 * FAR
    assert expected == pytest.approx(0.134934, abs=1e-6)
    assert found.reference == pytest.approx(expected, rel=0.03)
    # One document's distance has the mean square .5 * .030305 + .125 * .146793 and the variance .0152944; of twenty
    # the mean has the standard deviation .02765, and 95 % lie below .1349 + 1.645 * .02765 = .1804.
    assert found.reference_high == pytest.approx(0.1804, abs=0.005)
    assert (found.sampled, found.answers) == ("sample-0", 4.0)


def test_the_verdict_asks_whether_sampling_explains_the_distance(tmp_path: Path) -> None:
    found = [
        sampled(tmp_path / name, [counts] * 20, shares)
        for name, counts, shares in (
            ("a", counted([(1, 2, 2)]), [0.5, 0.5]),
            ("b", counted([(1, 3, 1)]), [0.7, 0.3]),
            ("c", counted([(1, 4, 0)]), [0.9, 0.1]),
        )
        if (tmp_path / name).mkdir() is None
    ]
    assert [one.value for one in found] == pytest.approx([0.0, NEAR, FAR], abs=1e-6)
    assert [one.verdict for one in found] == ["sampling", "sampling", "apart"]  # NEAR is below .1804


def test_the_error_is_that_of_the_posterior(tmp_path: Path) -> None:
    # Counts 3 : 1 and prior .5: Beta(3.5, 1.5). The variance of one document's distance by integration; of the mean of
    # 20 a twentieth.
    density = beta(3.5, 1.5).pdf
    moments = [
        quad(lambda p, k=k: density(p) * js_distance([p, 1 - p], [0.5, 0.5]) ** k, 0.0, 1.0, limit=200)[0]
        for k in (1, 2)
    ]
    found = sampled(tmp_path, [counted([(1, 3, 1)])] * 20, [0.7, 0.3])
    assert found.error == pytest.approx(math.sqrt((moments[1] - moments[0] ** 2) / 20), rel=0.03)


def test_several_prompts_are_mixed_with_the_answers_of_each(tmp_path: Path) -> None:
    # .75 (.9, .1) + .25 (.3, .7) = (.75, .25). Reference: k of 4 and l of 4 answers by enumeration.
    found = sampled(tmp_path, [counted([(0.75, 4, 0), (0.25, 1, 3)])] * 20, [0.75, 0.25])
    expected = sum(
        comb(4, k) * comb(4, m) / 256 * js_distance([share, 1 - share], [0.5, 0.5])
        for k in range(5)
        for m in range(5)
        for share in [0.75 * (k + 0.5) / 5 + 0.25 * (m + 0.5) / 5]
    )
    assert found.reference == pytest.approx(expected, rel=0.03)
    assert found.answers == 4.0


def test_orders_of_the_options_are_put_back_and_averaged(tmp_path: Path) -> None:
    # As shown (.7, .3) and (.3, .7); in the study's order (.7, .3) twice. Eight answers in two halves: the mean of k
    # of 4 and m of 4, smoothed alike.
    orders = [[0, 1], [1, 0]]
    found = sampled(tmp_path, [counted([(1, 3, 1)], [(1, 1, 3)])] * 20, [0.7, 0.3, 0.3, 0.7], fields={"orders": orders})
    expected = sum(
        comb(4, k) * comb(4, m) / 256 * js_distance([(k + m + 1) / 10, 1 - (k + m + 1) / 10], [0.5, 0.5])
        for k in range(5)
        for m in range(5)
    )
    assert found.value == pytest.approx(NEAR, abs=1e-6)
    assert found.reference == pytest.approx(expected, rel=0.03)
    (tmp_path / "silent").mkdir()
    one_silent = sampled(
        tmp_path / "silent", [counted([(1, 3, 1)], [])] * 20, [0.7, 0.3, 0.0, 0.0], fields={"orders": orders}
    )
    assert one_silent.value == pytest.approx(NEAR, abs=1e-6)
    assert one_silent.reference == pytest.approx(0.134935, rel=0.03)


def test_where_the_other_run_is_silent_in_one_order_its_mean_stands_in(tmp_path: Path) -> None:
    fields = {"orders": [[0, 1], [1, 0]], "per_question": 1}
    (found,) = compared(
        run(tmp_path, "sample", [[0.7, 0.3, 0.3, 0.7]] * 20, [counted([(1, 3, 1)], [(1, 1, 3)])] * 20, fields=fields),
        run(tmp_path, "logprob", [[0.0, 0.0, 0.5, 0.5]] * 20, fields=fields),
    ).agreements
    # Eight answers to (.5, .5), k of them for the first option: (k + 1) / 10.
    expected = sum(comb(8, k) / 256 * js_distance([(k + 1) / 10, (9 - k) / 10], [0.5, 0.5]) for k in range(9))
    assert found.reference == pytest.approx(expected, rel=0.03)


def test_draws_are_seeded_by_document(tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    one, again = (
        sampled(tmp_path, [counted([(1, 3, 1)])] * 4, [0.7, 0.3]),
        sampled(tmp_path / "again", [counted([(1, 3, 1)])] * 4, [0.7, 0.3]),
    )
    assert (one.reference, one.reference_high, one.error) == (again.reference, again.reference_high, again.error)
    (tmp_path / "single").mkdir()
    single = sampled(tmp_path / "single", [counted([(1, 3, 1)])], [0.7, 0.3])
    assert single.reference != pytest.approx(one.reference, abs=1e-9)


def test_which_side_was_sampled_makes_no_difference(tmp_path: Path) -> None:
    places = [
        run(tmp_path, "sample", [[0.7, 0.3]] * 2, [counted([(1, 3, 1)])] * 2),
        run(tmp_path, "logprob", [[0.5, 0.5]] * 2),
    ]
    (ours,), (theirs,) = compared(*places).agreements, compared(*places[::-1]).agreements
    names = ("value", "error", "reference", "reference_high", "sampled", "answers")
    assert [getattr(ours, name) for name in names] == [getattr(theirs, name) for name in names]
    assert theirs.routes == ("logprob", "sample")


def test_only_pairs_that_differ_in_the_route_alone_are_shown(tmp_path: Path) -> None:
    rows = [[0.5, 0.5]] * 2
    first = run(tmp_path, "logprob", rows)
    assert compared(first, run(tmp_path, "logprob", rows)).agreements == ()
    for other in ({"method": "vanilla"}, {"pool": "town"}, {"elicitation": None}):
        found = compared(first, run(tmp_path, "verbalised", rows, **other))
        assert (found.agreements, found.agreement_notes) == ((), ())
    found = compared(first, run(tmp_path, "verbalised", rows, seed=8, prompts_digest="x"))
    assert found.agreements == ()
    assert found.agreement_notes == (
        "logprob-0 ↔ verbalised-5: not the route alone differs, but prompts_digest, seed too.",
    )
    counts = {"fallbacks": {"refusal": 9}, "message_counts": {}, "warnings": ["w"], "label_variants": True, "api": {}}
    assert len(compared(first, run(tmp_path, "verbalised", rows, **counts)).agreements) == 1


def test_results_that_do_not_say_how_many_answers(tmp_path: Path) -> None:
    fields = {"per_question": 1}
    places = [
        run(tmp_path, "sample", [[0.7, 0.3]] * 2, [counted([(1, 3, 1)])], fields=fields),  # d01 is missing
        run(tmp_path, "logprob", [[0.5, 0.5]] * 2, fields=fields),
    ]
    comparison = compare(read_runs(places), resamples=0)
    (found,) = comparison.tasks[0].agreements
    assert found.value == pytest.approx(NEAR, abs=1e-6)
    assert math.isnan(found.reference)
    assert found.verdict == ""
    assert "The results of sample-0 do not say how many answers" in to_markdown(comparison)


@pytest.mark.parametrize(
    ("orders", "message"),
    [
        ("1: 3 1", r"document 0: field 'orders': .*found '1: 3 1'"),
        ([{"weight": 1, "counts": [3, 1]}], r"document 0: field 'orders.0': "),
        (counted([(1, 3)]), r"expected a list of prompts for each of 1 orders of the options, with 2 counts each"),
        (counted([(1, 3, 1)], [(1, 3, 1)]), r"expected a list of prompts for each of 1 orders"),
        ([[{"weight": 1, "counts": [3, "x"]}]], r"field 'orders.0.0.counts.1': .*found 'x'"),
        ([[{"weight": 1, "count": [3, 1]}]], r"unknown field 'orders.0.0.count'"),
        (counted([(1, 5, -1)]), r"field 'orders.0.0.counts.1': .*greater than or equal to 0, found -1"),
        (counted([(0, 3, 1)]), r"field 'orders.0.0.weight': .*greater than 0, found 0"),
        (counted([(1, 0, 0)]), r"field 'orders.0.0.counts': expected an answer of one option at least"),
        (counted([(math.nan, 3, 1)]), r"field 'orders.0.0.weight': "),
        (counted([(1, 1, 3)]), r"give the shares 0\.3 0\.7, but the samples hold 0\.7 0\.3; the files do not belong"),
    ],
)
def test_counts_that_cannot_be_used_are_refused(tmp_path: Path, orders: Any, message: str) -> None:
    with pytest.raises(ModPluralError, match=message):
        sampled(tmp_path, [orders], [0.7, 0.3])


@pytest.mark.parametrize("smoothing", ["much", -1, None, True, math.inf])
def test_smoothing_that_is_no_number_is_refused(tmp_path: Path, smoothing: Any) -> None:
    with pytest.raises(ModPluralError, match=r"smoothing is .*, expected a number that is not negative"):
        sampled(tmp_path, [counted([(1, 3, 1)])], [0.7, 0.3], smoothing=smoothing)


def test_all_formats_show_it_and_only_where_there_is_something(tmp_path: Path) -> None:
    fields = {"per_question": 1}
    places = [
        run(tmp_path, "sample", [[0.5, 0.5]] * 4, [counted([(1, 2, 2)])] * 4, fields=fields),
        run(tmp_path, "logprob", [[0.5, 0.5]] * 4, fields=fields),
    ]
    comparison = compare(read_runs(places), resamples=0)
    (found,) = comparison.tasks[0].agreements
    text = to_markdown(comparison)
    assert "### distributional_x: how far the elicitation routes agree" in text
    limits = f"{found.reference:.3f} (≤ {found.reference_high:.3f})"
    row = f"| sample-0 ↔ logprob-1 | sample ↔ logprob | 0.000 ¶ |  | {found.error:.3f} | {limits} | 100.0 % | 4 (4) |"
    assert row in text
    assert "sample-0 4" in text  # answers of a prompt
    assert "no difference between the routes was shown" in text
    lines = [line for line in csv.DictReader(io.StringIO(to_csv(comparison))) if line["kind"] == "agreement"]
    values = {line["metric"]: float(line["value"]) for line in lines}
    assert values == {
        "agreement_js_distance": 0.0,
        "agreement_monte_carlo_error": pytest.approx(found.error),
        "agreement_by_sampling_alone": pytest.approx(found.reference),
        "agreement_same_top": 1.0,
    }
    assert {(line["row"], line["baseline"], line["n"]) for line in lines} == {("sample-0", "logprob-1", "4")}
    (told,) = json.loads(to_json(comparison))["tasks"][0]["agreements"]
    assert told["verdict"] == "sampling"
    assert told["reference"] == pytest.approx(found.reference)
    alone = to_markdown(compare(read_runs(places[:1]), resamples=0))
    assert "routes agree" not in alone
