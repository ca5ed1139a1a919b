"""Who is served worst and what a patch changed, in figures worked out by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from model_wrappers.patching.effects import adjust, apart, effects, read_tasks, served
from plural_tasks.report.reading.runs import read_run
from plural_tasks.utils.errors import ModPluralError
from tests.plural_tasks.report.report_runs import doc, sample, task, write_run


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global t
    from scipy.stats import t


TASK = "plural_distributional_x"


def rows(values: list[tuple[str, str, float]]) -> list[dict]:
    """Documents as (stratum, question, js_distance)."""
    return [
        sample(
            number,
            doc(f"d{number:02}", question, mode="distributional", stratum=stratum, attribute=f"{stratum} {number % 2}"),
            {"js_distance": value},
        )
        for number, (stratum, question, value) in enumerate(values)
    ]


def written(folder: Path, values: list[tuple[str, str, float]], **options):
    made = task(rows(values), directions={"js_distance": False}, **options)
    return read_run(write_run(folder, {TASK: made}))


def test_the_difference_from_the_rest_is_clustered_by_question() -> None:
    # Means 1/2 inside and 0 outside. The rows inside move the difference by (1 - 1/2)/2 = 1/4 and (0 - 1/2)/2 = -1/4,
    # those outside not at all; two clusters: SE = sqrt(2/1 * (1/16 + 1/16)) = 1/2, and t has 2 - 1 degrees of freedom.
    found = apart([1.0, 0.0, 0.0, 0.0], [True, True, False, False], ["p", "q", "p", "q"], True)
    assert found.value == 0.5
    reach = t.ppf(0.975, 1) * 0.5
    assert (found.low, found.high) == pytest.approx((0.5 - reach, 0.5 + reach))
    assert found.p == pytest.approx(2 * t.sf(1.0, 1))
    assert found.verdict == "same"


def test_a_question_asked_of_both_sides_is_one_cluster() -> None:
    # Question p scores 1 and q scores 0 on both sides: what moves the difference cancels within each question, SE = 0.
    found = apart([1.0, 0.0, 1.0, 0.0], [True, True, False, False], ["p", "q", "p", "q"], True)
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)
    # As four questions of their own it is 4/3 * 4 * (1/4)^2 = 1/3, the square of the error.
    alone = apart([1.0, 0.0, 1.0, 0.0], [True, True, False, False], ["p", "q", "r", "s"], True)
    assert alone.high == pytest.approx(t.ppf(0.975, 1) * math.sqrt(1 / 3))


def test_rows_that_are_not_scored_are_left_out() -> None:
    found = apart([1.0, math.nan, 0.0, math.nan], [True, True, False, False], ["p", "q", "r", "s"], True)
    assert (found.value, found.n) == (1.0, 2)
    assert math.isnan(apart([1.0, 0.5], [True, True], ["p", "q"], True).low)


VALUES = [("Asia", f"q{n}", 0.5 if n < 6 else 0.3) for n in range(12)]  # mean 0.4
VALUES += [("Europe", f"q{n}", 0.1) for n in range(12)]
VALUES += [("Oceania", f"q{n}", 0.9) for n in range(3)]


def test_the_groups_served_worst_follow_the_direction_of_the_figure(tmp_path) -> None:
    (found,) = read_tasks(written(tmp_path, VALUES), None)
    assert (found.field, found.column.metric) == ("stratum", "js_distance")
    assert [one.group for one in served(found, 10)] == ["Asia", "Europe"]  # a distance: high is bad; Oceania is small
    assert [one.group for one in served(found, 3)] == ["Oceania", "Asia", "Europe"]
    asia = served(found, 10)[0]
    assert (asia.n, asia.clusters, asia.value) == (12, 12, pytest.approx(0.4))
    # Each of 12 lies 0.1 off the mean: SE = sqrt(12/11 * 12 * 0.01) / 12
    reach = t.ppf(0.975, 11) * math.sqrt(12 / 11 * 12 * 0.01) / 12
    assert (asia.low, asia.high) == pytest.approx((0.4 - reach, 0.4 + reach))
    # the rest: 12 times 0.1 and 3 times 0.9, mean 3.9 / 15 = 0.26
    assert asia.rest.value == pytest.approx(0.14)
    upwards = replace(found, column=replace(found.column, direction=True))
    assert [one.group for one in served(upwards, 3)] == ["Europe", "Asia", "Oceania"]


@pytest.mark.parametrize(
    ("by", "field", "groups"),
    [
        ("stratum", "stratum", 3),
        ("by_stratum", "stratum", 3),
        ("attribute", "attribute", 6),
        ("by_group", "attribute", 6),
    ],
)
def test_groups_go_by_a_field_or_a_breakdown(tmp_path, by, field, groups) -> None:
    (found,) = read_tasks(written(tmp_path, VALUES), by)
    assert found.field == field
    assert len(set(found.groups)) == groups


def test_an_unknown_field_or_task_and_a_task_without_groups(tmp_path) -> None:
    run = written(tmp_path / "a", VALUES)
    with pytest.raises(ModPluralError, match=r"--by: unknown field of the documents 'strata'. Did you mean 'stratum'"):
        read_tasks(run, "strata")
    with pytest.raises(ModPluralError, match=f"--task: unknown task 'x'.*{TASK}"):
        read_tasks(run, None, ["x"])
    single = written(tmp_path / "b", [("", f"q{n}", 0.1) for n in range(12)])
    with pytest.raises(ModPluralError, match=r"no task has groups .* --by"):
        read_tasks(single, None)


def changed(asia: float, europe: float) -> list[tuple[str, str, float]]:
    """Six of Asia's documents change by ``asia``, three of Europe's by ``europe``."""
    made = []
    for name, question, value in VALUES:
        number = int(question[1:])
        shift = asia if name == "Asia" and number < 6 else europe if name == "Europe" and number < 3 else 0.0
        made.append((name, question, value + shift))
    return made


def test_changes_are_paired_clustered_and_adjusted(tmp_path) -> None:
    before = read_tasks(written(tmp_path / "a", VALUES), None)
    after = written(tmp_path / "b", changed(-0.2, +0.1))
    whole, asia, europe, oceania = effects(before, after, {TASK: ["Asia"]})

    # Asia: six of twelve change by -0.2, mean -0.1, each 0.1 off it: SE = sqrt(12/11 * 12 * 0.01) / 12 = 0.0301511
    error = math.sqrt(12 / 11 * 12 * 0.01) / 12
    assert (asia.group, asia.patched, asia.n, asia.clusters) == ("Asia", True, 12, 12)
    assert (asia.before, asia.after, asia.change.value) == pytest.approx((0.4, 0.3, -0.1))
    reach = t.ppf(0.975, 11) * error
    assert (asia.change.low, asia.change.high) == pytest.approx((-0.1 - reach, -0.1 + reach))
    assert asia.change.verdict == "better"  # a distance that shrinks
    one = 2 * t.sf(0.1 / error, 11)
    assert asia.change.p == pytest.approx(one)

    # Europe: three of twelve change by 0.1, mean 0.025; squares 3 * 0.075^2 + 9 * 0.025^2 = 0.0225
    error = math.sqrt(12 / 11 * 0.0225) / 12
    two = 2 * t.sf(0.025 / error, 11)
    assert (europe.group, europe.patched) == ("Europe", False)
    assert (europe.change.value, europe.change.p) == pytest.approx((0.025, two))
    assert europe.change.verdict == "same"

    # Holm over two groups: twice the smaller p; the larger one once
    assert one < two
    assert (asia.adjusted, europe.adjusted) == pytest.approx((2 * one, two))

    # Oceania: three documents give no interval and take no part in the adjustment
    assert oceania.change.value == 0.0
    assert math.isnan(oceania.change.low)
    assert math.isnan(oceania.adjusted)
    assert oceania.change.verdict == ""

    # all 27: (6 * -0.2 + 3 * 0.1) / 27
    assert (whole.group, whole.n, whole.clusters) == ("", 27, 12)
    assert whole.change.value == pytest.approx(-0.9 / 27)
    assert math.isnan(whole.adjusted)


def test_holm_is_monotone_and_at_most_one(tmp_path) -> None:
    before = read_tasks(written(tmp_path / "a", VALUES), None)
    (_, first, *_) = effects(before, written(tmp_path / "b", changed(-0.2, 0.0)), {})

    def adjusted(*values: float) -> list[float]:
        made = [
            replace(first, group=str(place), change=replace(first.change, p=value))
            for place, value in enumerate(values)
        ]
        return [effect.adjusted for effect in adjust(made)]

    # sorted 0.01, 0.03, 0.04: 3 * 0.01, 2 * 0.03, max(0.06, 0.04)
    assert adjusted(0.04, 0.01, 0.03) == pytest.approx([0.06, 0.03, 0.06])
    assert adjusted(0.6, 0.7) == [1.0, 1.0]
    assert math.isnan(adjusted(math.nan, 0.02)[0])
    assert adjusted(math.nan, 0.02)[1] == 0.02  # and not twice that


def test_a_second_run_over_fewer_documents_is_compared_on_these(tmp_path) -> None:
    before = read_tasks(written(tmp_path / "a", VALUES), None)
    after = written(tmp_path / "b", changed(-0.2, +0.1)[:12], original=27)
    whole, asia = effects(before, after, {})
    assert (whole.n, asia.n) == (12, 12)
    assert whole.change.value == pytest.approx(-0.1)


def test_other_documents_or_versions_are_refused(tmp_path) -> None:
    before = read_tasks(written(tmp_path / "a", VALUES), None)
    other = written(tmp_path / "b", VALUES[12:])  # d00 is another document here
    with pytest.raises(ModPluralError, match=r"cannot be compared with the run before: .* documents differ"):
        effects(before, other, {})
    newer = written(tmp_path / "c", VALUES, version=2.0)
    with pytest.raises(ModPluralError, match=r"found version 2.0, the other has 1.0"):
        effects(before, newer, {})
