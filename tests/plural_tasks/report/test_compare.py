"""Figures, intervals, differences and subgroups, worked out by hand; comparisons that are refused."""

import inspect
import json
import math
import random

import pytest

from plural_tasks import aggregate
from plural_tasks.report.comparing.check import difference_of, scoring
from plural_tasks.report.comparing.compare import compare, worst
from plural_tasks.report.reading.aggregates import recompute
from plural_tasks.report.reading.runs import read_run, read_runs
from plural_tasks.report.reading.values import clipped, series
from plural_tasks.utils.errors import ModPluralError
from tests.plural_tasks.report.report_runs import TASK, doc, sample, steerable, task, write_run

T1 = 12.706205  # the 97.5 % quantile of Student's t with one degree of freedom
CONSTANTS = {
    "baseline_uniform": [0.5] * 4,
    "baseline_first": [1.0, 0.0, 1.0, 0.0],
    "baseline_majority": [[0, [1.0, 0.0]], [1, [0.0, 1.0]], [0, [1.0, 0.0]], [0, [1.0, 0.0]]],
}


def two_runs(tmp_path, a=(1.0, 1.0, 1.0, 0.0), b=(0.0, 0.0, 1.0, 0.0), **figures):
    paths = [
        write_run(tmp_path / name, {TASK: task(steerable(values, **figures))}) for name, values in (("a", a), ("b", b))
    ]
    return read_runs([f"a={paths[0]}", f"b={paths[1]}"])


def compared(tmp_path, *args, resamples=0, by=None, baseline="b", **kwargs):
    return compare(two_runs(tmp_path, *args, **kwargs), baseline=baseline, by=by, resamples=resamples).tasks[0]


def test_means_and_clustered_intervals(tmp_path) -> None:
    # Run a: mean 3/4. Residuals by question: q1: .25 + .25 = .5; q2: .25 - .75 = -.5.
    # SE = sqrt(2/1 * (.25 + .25)) / 4 = 1/4; interval .75 ± T1/4, of which an accuracy can only be 0..1.
    found = compared(tmp_path).of("a")
    assert (found.value, found.n, found.clusters, found.source) == (0.75, 4, 2, "documents")
    assert found.se == pytest.approx(0.25)
    assert (found.low, found.high) == (0.0, 1.0)
    assert clipped("unknown_metric", 0.75 - T1 / 4, 0.75 + T1 / 4)[0] < 0.0
    assert clipped("js_distance_nat", 0.1, 2.0) == (0.1, pytest.approx(0.832555, abs=1e-6))
    assert clipped("paper_coverage", -3.0, 0.5) == (-1.0, 0.5)
    assert all(math.isnan(end) for end in clipped("accuracy", math.nan, math.nan))
    assert found.higher_is_better is True


def test_paired_differences_from_the_baseline(tmp_path) -> None:
    # a - b: 1, 1, 0, 0: mean 1/2; residual sums of the questions 1 and -1: SE = sqrt(2 * (1 + 1)) / 4 = 1/2.
    # t = 1 with one degree of freedom: p = 1/2 (half of a Cauchy distribution lies within ±1).
    task_found = compared(tmp_path)
    against = task_found.of("a").baseline
    assert (against.other, against.value, against.verdict) == ("b", 0.5, "same")
    assert (against.low, against.high) == (pytest.approx(0.5 - T1 / 2, abs=1e-5), pytest.approx(0.5 + T1 / 2, abs=1e-5))
    assert against.p == pytest.approx(0.5)
    assert task_found.of("b").baseline is None


def test_pairing_goes_by_document_not_by_line(tmp_path) -> None:
    first = write_run(tmp_path / "a", {TASK: task(steerable([1.0, 0.0, 0.0, 0.0]))})
    second = write_run(tmp_path / "b", {TASK: task(steerable([1.0, 0.0, 0.0, 0.0])[::-1])})
    found = compare(read_runs([f"a={first}", f"b={second}"]), resamples=0).tasks[0]
    assert (found.of("b").baseline.value, found.of("b").baseline.low) == (0.0, 0.0)


def test_what_is_not_scored_is_left_out_and_counted(tmp_path) -> None:
    found = compared(tmp_path, (1.0, math.nan, 1.0, 0.0), (0.0, 0.0, math.nan, 0.0))
    assert (found.of("a").value, found.of("a").n) == (pytest.approx(2 / 3), 3)
    assert (found.of("b").value, found.of("b").n) == (0.0, 3)
    assert found.of("a").baseline.value == 0.5  # d1: 1 - 0, d4: 0 - 0
    assert found.n == 4


def test_a_better_and_a_worse_run(tmp_path) -> None:
    """Ten questions of one document: a is right nine times, b never: the difference is .9, SE .1, t(9) = 2.262."""
    values = {"a": [1.0] * 9 + [0.0], "b": [0.0] * 10}
    paths = []
    for name, row in values.items():
        samples = [
            sample(n, doc(f"d{n}", f"q{n}"), {"accuracy": v, "js_distance": 1 - v, "n_words": v})
            for n, v in enumerate(row)
        ]
        directions = {"accuracy": True, "js_distance": False, "n_words": None}
        paths.append(f"{name}={write_run(tmp_path / name, {TASK: task(samples, directions=directions)})}")
    found = compare(read_runs(paths), baseline="b", resamples=0).tasks[0]
    against = found.of("a").baseline
    assert (against.verdict, against.value) == ("better", pytest.approx(0.9))
    assert against.low == pytest.approx(0.9 - 2.262157 * 0.1, abs=1e-5)
    assert against.p < 1e-4
    assert found.of("a", "js_distance").baseline.verdict == "better"  # lower is better
    assert found.of("a", "n_words").baseline.verdict == ""  # no direction
    turned = compare(read_runs(paths), baseline="a", resamples=0).tasks[0]
    assert turned.of("b").baseline.verdict == "worse"


def test_constant_answers_stand_beside(tmp_path) -> None:
    found = compared(tmp_path, **CONSTANTS)
    # majority: option 0 is right most often (three of four), which scores 1, 0, 1, 1.
    assert {row.row: row.value for row in found.constants} == {"uniform": 0.5, "first": 0.5, "majority": 0.75}
    assert all(row.metric == "accuracy" and row.constant for row in found.constants)
    # The best constant answer is the majority's. b - majority: -1, 0, 0, -1: mean -1/2.
    against = found.of("b").best_constant
    assert (against.other, against.value) == ("majority", -0.5)
    assert "baseline_uniform" not in found.metrics


def test_the_best_answer_that_ignores_who_is_asked(tmp_path) -> None:
    # q1: option 0 scores 1 + 0, option 1 0 + 1, option 2 .5 + .6: the third. q2: option 0 scores 1 + 0, option 1
    # 0 + .5: the first.
    rows = [["q1", [1.0, 0.0, 0.5]], ["q1", [0.0, 1.0, 0.6]], ["q2", [1.0, 0.0]], ["q2", [0.0, 0.5]]]
    found = compared(tmp_path, baseline_unsteered=rows, baseline_first=[0.0] * 4)
    assert found.constant("unsteered").value == pytest.approx((0.5 + 0.6 + 1.0 + 0.0) / 4)
    assert found.constant("unsteered").value == pytest.approx(aggregate.unsteered(rows))
    assert found.of("a").best_constant.other == "first"  # the other knows the gold
    rows[2][1] = []
    values = series(two_runs(tmp_path / "2", baseline_unsteered=rows)[0].tasks[TASK].documents, "baseline_unsteered")
    assert values[:2] == [0.5, 0.6]
    assert math.isnan(values[2])
    assert values[3] == 0.5


def test_the_best_constant_answer_is_the_lowest_where_lower_is_better(tmp_path) -> None:
    samples = [
        sample(n, doc(f"d{n}", f"q{n}", "distributional"), {"js_distance": 0.3, "baseline_a": 0.2, "baseline_b": 0.4})
        for n in range(3)
    ]
    path = write_run(tmp_path, {"t": task(samples, directions={"js_distance": False})})
    assert compare([read_run(path)]).tasks[0].of("").best_constant.other == "a"


def test_fallbacks_and_the_main_figure(tmp_path) -> None:
    found = compared(tmp_path, n_scored=[1.0] * 4, accuracy_stderr=[[1.0, "q1"]] * 4, by_group=[[1.0, "x", "q1"]] * 4)
    assert found.fallbacks == {"a": 0.25, "b": 0.25}
    assert found.metrics == ["accuracy", "fallback_rate"]  # bookkeeping is no figure
    assert found.main == "accuracy"


def records(*rows):
    """Right option, and what was picked under each order."""
    return [[right, list(picked)] for right, *picked in rows]


ROWS = records(("A", "A", "A"), ("A", "B", "A"), ("B", "B", None), ("Either", "Either", "Either"))


def test_figures_over_classes_by_hand() -> None:
    # Each answer weighs 1/2. A: answers A, A, B, A: recall 3/4. B: answers B, none: recall 1/2. Either: 1.
    assert recompute("balanced_accuracy", ROWS).whole() == pytest.approx((0.75 + 0.5 + 1.0) / 3)
    # F1 = 2 TP / (true + said): A: 2*1.5 / (2 + 1.5) = 6/7; B: 2*.5 / (1 + 1) = 1/2; Either: 1.
    assert recompute("macro_f1", ROWS).whole() == pytest.approx((6 / 7 + 0.5 + 1.0) / 3)
    assert recompute("binary_balanced_accuracy", ROWS).whole() == pytest.approx((0.75 + 0.5) / 2)
    assert recompute("binary_balanced_accuracy", ROWS).scored == (True, True, True, False)
    assert recompute("paper_macro_f1", ROWS) is None
    assert recompute("macro_f1", [["A", "A"]]) is None
    # Without the second document, and with the third twice: A: recall 1, B: 1/2.
    assert recompute("binary_balanced_accuracy", ROWS).weighted([1, 0, 2, 5]) == pytest.approx(0.75)


@pytest.mark.parametrize("metric", ["balanced_accuracy", "macro_f1", "binary_balanced_accuracy", "binary_macro_f1"])
def test_figures_over_classes_are_those_of_the_harness(metric) -> None:
    rng = random.Random(3)
    labels = ["Support", "Oppose", "Either"]
    for _ in range(20):
        rows = [[rng.choice(labels), rng.choices([*labels, None, "?"], k=rng.randint(1, 3))] for _ in range(12)]
        rows[0][0] = "Support"
        assert recompute(metric, rows).whole() == pytest.approx(getattr(aggregate, metric)(rows), abs=1e-12)


def test_aggregates_get_bootstrapped_intervals(tmp_path) -> None:
    def run(name, picks):
        rows = [["A", [picks[0]]], ["A", [picks[1]]], ["B", [picks[2]]], ["B", [picks[3]]]]
        reported = {"balanced_accuracy,none": aggregate.balanced_accuracy(rows)}
        samples = steerable([1.0, 1.0, 1.0, 0.0], balanced_accuracy=rows)
        directions = {"accuracy": True, "balanced_accuracy": True}
        return f"{name}={write_run(tmp_path / name, {TASK: task(samples, reported=reported, directions=directions)})}"

    runs = read_runs([run("a", "AABA"), run("b", "ABBA")])
    found = compare(runs, baseline="b", resamples=200).tasks[0].of("a", "balanced_accuracy")
    # q1 holds both A documents (right), q2 both B documents (one right). A resample has q1 twice (recall 1), q2 twice
    # (recall 1/2) or both (3/4); a quarter, a quarter, a half of all draws.
    assert (found.value, found.source) == (0.75, "bootstrap")
    assert (found.low, found.high) == (0.5, 1.0)
    assert math.isnan(found.se)
    # Against b, whose second A document is wrong: q1 twice +1/2, q2 twice 0, both +1/4.
    assert (found.baseline.value, found.baseline.low, found.baseline.high) == (0.25, 0.0, 0.5)
    assert found.baseline.verdict == "same"
    without = compare(runs, baseline="b", resamples=0).tasks[0].of("a", "balanced_accuracy")
    assert (without.source, without.value) == ("reported", 0.75)
    assert math.isnan(without.low)


def test_an_aggregate_that_cannot_be_made_anew_is_marked(tmp_path) -> None:
    rows = [["A", ["A"]], ["A", ["B"]], ["B", ["B"]], ["B", ["B"]]]
    reported = {"balanced_accuracy,none": 0.123, "paper_macro_f1,none": 0.5, "by_group,none": {"x": {"n": 4}}}
    samples = steerable([1.0] * 4, balanced_accuracy=rows, paper_macro_f1=[["A", "B"]] * 4, by_group=[[1.0, "x"]] * 4)
    found = compare([read_run(write_run(tmp_path, {TASK: task(samples, reported=reported)}))], resamples=50).tasks[0]
    for metric, value in (("balanced_accuracy", 0.123), ("paper_macro_f1", 0.5)):
        figure = found.of("", metric)
        assert (figure.source, figure.value) == ("reported", value)
        assert math.isnan(figure.low)
        assert figure.baseline is None
    assert found.of("", "by_group") is None


def test_binary_accuracy_is_a_mean_over_a_fixed_subset(tmp_path) -> None:
    path = write_run(tmp_path, {TASK: task(steerable([1.0] * 4, binary_accuracy=ROWS))})
    values = series(read_run(path).tasks[TASK].documents, "binary_accuracy")
    assert values[:3] == [1.0, 0.5, 0.5]
    assert math.isnan(values[3])


@pytest.mark.parametrize("aggregation", ["mean", "nanmean", inspect.getsource(aggregate.mean)])
def test_samples_that_give_another_mean_than_the_results(tmp_path, aggregation) -> None:
    made = task(
        steerable([1.0, 1.0, 1.0, 0.0]),
        reported={"accuracy,none": 0.5},
        config={"metric_list": [{"metric": "accuracy", "aggregation": aggregation}]},
    )
    run = read_run(write_run(tmp_path, {TASK: made}), label="a")
    with pytest.raises(ModPluralError, match=r"run 'a': task .*: accuracy is 0\.75 over .* state 0\.5"):
        compare([run])


def test_another_aggregation_than_the_mean_is_taken_as_reported(tmp_path) -> None:
    made = task(
        steerable([1.0, 1.0, 1.0, 0.0]),
        reported={"accuracy,none": 1.0},
        config={"metric_list": [{"metric": "accuracy", "aggregation": "median"}]},
    )
    found = compare([read_run(write_run(tmp_path, {TASK: made}))]).tasks[0].of("")
    assert (found.value, found.source) == (1.0, "reported")


def grouped(tmp_path, sizes, *, higher=True, field="category"):
    """Groups of right and wrong documents, each of a question of its own."""
    samples = []
    for name, (right, wrong) in sizes.items():
        for place in range(right + wrong):
            number = len(samples)
            samples.append(
                sample(number, doc(f"d{number}", f"q{number}", **{field: name}), {"accuracy": float(place < right)})
            )
    made = task(samples, directions={"accuracy": higher})
    return read_run(write_run(tmp_path / field / str(higher), {TASK: made}))


def test_the_worst_group_is_a_large_one(tmp_path) -> None:
    run = grouped(tmp_path, {"big good": (29, 1), "big bad": (15, 15), "tiny": (0, 5)})
    found = compare([run]).tasks[0]
    assert found.group_field == "category"
    assert {group.group: (group.n, group.value) for group in found.groups} == {
        "big good": (30, pytest.approx(29 / 30)),
        "big bad": (30, 0.5),
        "tiny": (5, 0.0),
    }
    assert worst(found, "").group == "big bad"
    lower = compare([grouped(tmp_path, {"big good": (29, 1), "big bad": (15, 15)}, higher=False)]).tasks[0]
    assert worst(lower, "").group == "big good"
    # SE of 15 ones and 15 zeros: sqrt(30/29 * 30 * .25) / 30.
    assert found.groups[0].se == pytest.approx(math.sqrt(30 / 29 * 7.5) / 30)


def test_subgroups_are_found_or_chosen(tmp_path) -> None:
    run = grouped(tmp_path, {"x": (10, 0), "y": (0, 10), "z": (20, 0)}, field="attribute")
    found = compare([run]).tasks[0]
    assert (found.group_field, worst(found, "")) == ("attribute", None)  # too small to be named
    few = {"x": (10, 0), "y": (0, 10), **{f"z{n}": (1, 0) for n in range(21)}}  # 20 of 41 in groups of ten
    assert compare([grouped(tmp_path, few, field="study")]).tasks[0].groups == ()
    assert compare([grouped(tmp_path, {"x": (1, 0), "y": (0, 1)}, field="study")], by="study").tasks[0].groups != ()
    with pytest.raises(
        ModPluralError, match=r"--by: unknown field of the documents 'atribute'. Did you mean 'attribute'"
    ):
        compare([run], by="atribute")


# What is refused


def refused(tmp_path, one, other) -> str:
    first, second = (write_run(tmp_path / name, {TASK: made}) for name, made in (("one", one), ("other", other)))
    with pytest.raises(ModPluralError) as caught:
        compare(read_runs([f"one={first}", f"other={second}"]), resamples=0)
    told = str(caught.value)
    assert told.startswith(f"run 'other' cannot stand beside run 'one': task '{TASK}': ")
    return told


ROW = [1.0, 1.0, 1.0, 0.0]


def test_another_task_version(tmp_path) -> None:
    told = refused(tmp_path, task(steerable(ROW)), task(steerable(ROW), version=2.0))
    assert "found version 2.0, the other has 1.0" in told


def test_another_number_of_documents(tmp_path) -> None:
    told = refused(tmp_path, task(steerable(ROW)), task(steerable(ROW)[:3], original=4))
    assert "found 3 documents, the other has 4: it lacks 1 (first: 'd4')" in told
    told = refused(tmp_path, task(steerable(ROW)[:3], original=4), task(steerable(ROW)))
    assert "it has 1 more (first: 'd4')" in told


def test_the_same_number_of_other_documents(tmp_path) -> None:
    told = refused(tmp_path, task(steerable(ROW)[:3]), task(steerable(ROW)[1:]))
    assert "found 3 documents, the other has 3: it lacks 1 (first: 'd1'), it has 1 more (first: 'd4')" in told


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("gold", [1], "1 of 4 documents differ, 'd2' in gold;"),
        ("orders", [[1, 0]], "'d2' in orders (options are shown in other orders: plural_permutations)"),
    ],
)
def test_changed_documents(tmp_path, field, value, expected) -> None:
    changed = steerable(ROW)
    changed[1] = sample(1, {**changed[1]["doc"], field: value}, {"accuracy": 1.0, "fallback_rate": 0.0})
    assert expected in refused(tmp_path, task(steerable(ROW)), task(changed))


FUNCTION = 'def score(doc, results):\n    """{doc}"""\n    return {{"accuracy": {value}}}\n'


@pytest.mark.parametrize(
    ("one", "other", "named"),
    [
        ({"output_type": "multiple_choice"}, {"output_type": "generate_until"}, "'generate_until' against 'multiple"),
        ({"metric_list": [{"metric": "accuracy"}]}, {"metric_list": [{"metric": "acc"}]}, "metric_list"),
        (
            {"process_results": FUNCTION.format(doc="One.", value=1)},
            {"process_results": FUNCTION.format(doc="One.", value=2)},
            "process_results",
        ),
        ({"dataset_kwargs": {"plural_source": "x"}}, {"dataset_kwargs": {"plural_source": "y"}}, "plural_source: 'y'"),
        ({}, {"filter_list": [{"name": "nli"}]}, "filter_list"),
    ],
)
def test_another_scoring(tmp_path, one, other, named) -> None:
    told = refused(tmp_path, task(steerable(ROW), config=one), task(steerable(ROW), config=other))
    assert "asked or scored in different ways" in told
    assert named in told


def test_another_judge(tmp_path) -> None:
    one, other = (task(steerable(ROW, judge=[f"judge@{name}"] * 4)) for name in "ab")
    assert "judge: ['judge@b'] against ['judge@a']" in refused(tmp_path, one, other)


def test_constant_answers_with_other_figures(tmp_path) -> None:
    one, other = (task(steerable(ROW, baseline_first=[0.5, 0.5, 0.5, value])) for value in (0.5, 0.6))
    assert "the constant answer baseline_first has other figures" in refused(tmp_path, one, other)


def test_the_baseline_is_what_others_are_held_against(tmp_path) -> None:
    versions = {"a": 1.0, "b": 2.0, "c": 1.0}
    paths = [
        f"{name}={write_run(tmp_path / name, {TASK: task(steerable(ROW), version=version)})}"
        for name, version in versions.items()
    ]
    with pytest.raises(ModPluralError, match=r"^run 'a' cannot stand beside run 'b': .* found version 1\.0"):
        compare(read_runs(paths), baseline="b")


def test_what_changes_nothing_is_not_refused(tmp_path) -> None:
    def read(name, text, **metadata):
        config = {
            "process_results": FUNCTION.format(doc=text, value=1),
            "filter_list": [{"function": f"<function f at 0x{name * 4}>"}],
            "metadata": {"version": 1.0, "plural_data": name, "pretrained": name},
        }
        noisy = [0.5, 0.5, 0.5, 0.5 + (1e-4 if name == "b" else 0.0)]  # a judge's last digits on another machine
        return read_run(
            write_run(tmp_path / name, {TASK: task(steerable(ROW, baseline_question=noisy), config=config)})
        ).tasks[TASK]

    one, other = read("a", "One."), read("b", "Two,\n    with a second line.")
    assert difference_of(other, one) == ""
    assert scoring(one) == scoring(other)


def test_runs_without_a_common_task(tmp_path) -> None:
    paths = [write_run(tmp_path / name, {name: task(steerable(ROW))}) for name in ("t1", "t2")]
    with pytest.raises(ModPluralError, match="no task in common"):
        compare(read_runs([str(path) for path in paths]))


def test_a_task_that_one_run_lacks_is_left_open(tmp_path) -> None:
    both = write_run(tmp_path / "a", {"t1": task(steerable(ROW)), "t2": task(steerable(ROW))})
    one = write_run(tmp_path / "b", {"t1": task(steerable(ROW))})
    found = compare(read_runs([f"b={one}", f"a={both}"]), resamples=0)
    assert [(made.name, made.of("b") is None) for made in found.tasks] == [("t1", False), ("t2", True)]
    assert found.tasks[1].of("a").baseline is None


def test_unknown_names(tmp_path) -> None:
    runs = two_runs(tmp_path)
    with pytest.raises(ModPluralError, match=r"--baseline: unknown run 'c'. Valid: a, b"):
        compare(runs, baseline="c")
    with pytest.raises(ModPluralError, match=f"--task: unknown task 'plural_steerable_y'. Did you mean '{TASK}'"):
        compare(runs, tasks=["plural_steerable_y"])
    with pytest.raises(ModPluralError, match="there is no run"):
        compare([])


def test_a_run_may_be_called_like_a_constant_answer(tmp_path) -> None:
    path = write_run(tmp_path, {TASK: task(steerable(ROW, baseline_first=[0.0] * 4))})
    found = compare(read_runs([f"first={path}"])).tasks[0]
    assert (found.of("first").value, found.constant("first").value) == (0.75, 0.0)


def test_tasks_of_other_makers_are_compared_by_their_first_figure(tmp_path) -> None:
    samples = [sample(n, {"text": f"t{n}"}, {"acc": float(n), "acc_norm": 1.0}) for n in range(2)]
    path = write_run(tmp_path, {"hellaswag": task(samples, directions={"acc": True, "acc_norm": True})})
    found = compare([read_run(path)]).tasks[0]
    assert (found.main, found.mode, found.of("").value) == ("acc", "", 0.5)


def test_a_task_without_a_figure(tmp_path) -> None:
    path = write_run(tmp_path, {"t": task([sample(0, {"text": "t"}, {"bypass": "x"})])})
    with pytest.raises(ModPluralError, match="run 'a': task 't' has no figure in samples_t_"):
        compare(read_runs([f"a={path}"]))


def test_the_results_file_is_not_changed(tmp_path) -> None:
    path = write_run(tmp_path, {TASK: task(steerable(ROW))})
    before = json.loads(path.read_text(encoding="utf-8"))
    compare([read_run(path)])
    assert json.loads(path.read_text(encoding="utf-8")) == before
