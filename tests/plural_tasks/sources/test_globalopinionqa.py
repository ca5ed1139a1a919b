import contextlib
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from plural_tasks.schema import DistributionalItem
from plural_tasks.sources import SOURCES, read_items
from plural_tasks.sources.fields import cluster_of
from plural_tasks.sources.globalopinionqa import merge_repeated, parse_options, parse_selections
from plural_tasks.utils.errors import ModPluralError
from tests.plural_tasks.sources.samples import QUESTIONS, globalopinionqa

SOURCE = SOURCES["distributional_globalopinionqa_full"]
NO_QUESTION = "1 questions without text, without options or with more than 26"


class TestSelections:
    @pytest.mark.parametrize(
        ("printed", "expected"),
        [
            ("defaultdict(<class 'list'>, {'Peru': [0.5, 0.5]})", {"Peru": [0.5, 0.5]}),
            ("  defaultdict(<class 'list'>,\n{'Peru': [1, 0]} )\n", {"Peru": [1, 0]}),
            ("defaultdict(<class 'list'>, {})", {}),
            ("{'Peru': [0.5], \"Côte d'Ivoire\": [1e-3]}", {"Peru": [0.5], "Côte d'Ivoire": [0.001]}),
        ],
    )
    def test_are_read(self, printed: str, expected: dict[str, list[float]]) -> None:
        assert parse_selections(printed) == expected

    @pytest.mark.parametrize(
        "printed",
        [
            "",
            "Peru",
            "defaultdict(<class 'list'>, {'Peru': [0.5, 0.5]}",
            "defaultdict(<class 'list'>, {'Peru': [0.5, 0.5]}))",
            "defaultdict(list, {'Peru': [1.0]})",
            "defaultdict(<class 'list'>, None)",
            "[('Peru', [1.0])]",
            "{'Peru': 1.0}",
            "{'Peru': ['1.0']}",
            "{'Peru': [None]}",
            "{7: [1.0]}",
            "{" * 10_000,
            "{'Peru': [" + "-" * 100_000 + "1]}",
            "'" + "a" * 1_000_001 + "'",
            None,
            3,
        ],
    )
    def test_malformed_ones_are_refused(self, printed: object) -> None:
        with pytest.raises(ValueError, match=r"^field 'selections'"):
            parse_selections(printed)

    @pytest.mark.parametrize(
        "code",
        [
            "__import__('pathlib').Path({path!r}).touch()",
            "{{'Peru': [__import__('pathlib').Path({path!r}).touch()]}}",
            "defaultdict(<class 'list'>, {{'Peru': [1.0]}}) and __import__('pathlib').Path({path!r}).touch()",
            "defaultdict(<class 'list'>, {{'Peru': [open({path!r}, 'w')]}})",
            "defaultdict(<class 'list'>, {{'Peru': [1.0] for _ in [open({path!r}, 'w')]}})",
            "defaultdict(<class 'list'>, {{(lambda: open({path!r}, 'w'))(): [1.0]}})",
        ],
    )
    def test_code_in_them_is_refused_and_does_not_run(self, code: str, tmp_path: Path) -> None:
        mark = tmp_path / "executed"
        printed = code.format(path=str(mark))
        path = globalopinionqa(tmp_path, [QUESTIONS[0] | {"selections": printed}])

        with pytest.raises(ModPluralError) as caught:
            read_items(SOURCE, path)
        assert str(caught.value).startswith(f"{path}, row 1 (line 2): field 'selections': found ")
        assert str(caught.value).endswith(", expected a Python literal.")
        assert not mark.exists()
        # the same text, run, does leave a mark: the test above is able to fail
        with contextlib.suppress(TypeError):  # what is left of some is no mapping
            eval(printed.replace("<class 'list'>", "list"), {"defaultdict": defaultdict})
        assert mark.exists()


class TestOptions:
    @pytest.mark.parametrize(
        ("printed", "expected"),
        [
            ("['Yes', \"Don't know\"]", ["Yes", "Don't know"]),
            ("['Not at all', 2, 3.0, 4.5, ' Very  much ']", ["Not at all", "2", "3", "4.5", "Very much"]),
            ("[]", []),
        ],
    )
    def test_are_read(self, printed: str, expected: list[str]) -> None:
        assert parse_options(printed) == expected

    @pytest.mark.parametrize("printed", ["Yes", "('Yes', 'No')", "{'Yes'}", "[None]", "[['Yes']]", "[exit()]", ""])
    def test_malformed_ones_are_refused(self, printed: str) -> None:
        with pytest.raises(ValueError, match=r"^field 'options'"):
            parse_options(printed)


def test_each_country_is_an_item(tmp_path: Path) -> None:
    britain, korea, india, chile = read_items(SOURCE, globalopinionqa(tmp_path))

    assert britain == DistributionalItem(
        id="1-Britain",
        question="Are wells well kept?",
        attribute="Great Britain",
        options=("Very well", "Not well at all", "DK/Refused"),
        gold_distribution=(0.5, 0.25, 0.25),
        stratum="Europe",
        study="Pew Global Attitudes Survey",
        cluster=cluster_of("Are wells well kept?"),
        dont_know=(2,),
        ordinal=True,
    )
    assert isinstance(korea, DistributionalItem)
    assert (korea.attribute, korea.stratum) == ("South Korea", "Asia")
    assert britain.cluster == korea.cluster == india.cluster != chile.cluster


def test_of_several_samples_of_a_country_the_current_national_one_is_taken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = globalopinionqa(tmp_path)
    (india,) = [item for item in read_items(SOURCE, path) if getattr(item, "attribute", "") == "India"]

    assert india.id == "1-India (Current national sample)"
    assert india.gold_distribution == (0.0, 1.0, 0.0)  # type: ignore[union-attr]
    assert caplog.messages == [f"{path}: left out 2 further samples of a country."]


@pytest.mark.parametrize(
    ("labels", "taken"),
    [
        (("Mali", "Mali (Current national sample)"), "Mali (Current national sample)"),
        (("Mali (Old national sample)", "Mali"), "Mali"),
        (("Mali (Non-national sample)", "Mali (Old national sample)"), "Mali (Old national sample)"),
        (("Mali (Rural sample)", "Mali (Non-national sample)"), "Mali (Non-national sample)"),
        (("S. Korea", "South Korea"), "S. Korea"),
    ],
)
def test_the_better_sample_is_taken(labels: tuple[str, str], taken: str, tmp_path: Path) -> None:
    selections = str({label: [0.5, 0.25, 0.25] for label in labels})
    path = globalopinionqa(tmp_path, [QUESTIONS[0] | {"selections": selections}])

    assert [item.id for item in read_items(SOURCE, path)] == [f"1-{taken}"]


def test_percentages_are_scaled_and_repeated_options_added_up(tmp_path: Path) -> None:
    chile = read_items(SOURCE, globalopinionqa(tmp_path))[-1]

    assert isinstance(chile, DistributionalItem)
    assert chile.options == ("Never justifiable", "2", "3", "Don't know")
    assert chile.gold_distribution == pytest.approx((0.3, 0.5, 0.1, 0.1))  # 9 + 1 of 100 do not know
    assert (chile.dont_know, chile.ordinal, chile.study) == ((3,), True, "World Values Survey")


def test_merge_repeated_keeps_the_order() -> None:
    assert merge_repeated(["a", "b", "a"], [0.25, 0.5, 0.25]) == (("a", "b"), (0.5, 0.5))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"question": " "}, NO_QUESTION),
        ({"options": "[]"}, NO_QUESTION),
        ({"options": "['Yes', ' ']"}, NO_QUESTION),
        ({"options": str([str(n) for n in range(27)])}, NO_QUESTION),
        ({"selections": "{'Peru': [0.5, 0.5], 'Chile': []}"}, "2 countries without a share for each option"),
        ({"selections": "{'Peru': [0.0, 0, 0]}"}, "1 countries without a share for each option"),
    ],
)
def test_what_cannot_be_an_item_is_left_out_and_counted(
    changes: dict[str, str], reason: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = globalopinionqa(tmp_path, [QUESTIONS[0] | changes, QUESTIONS[1]])

    assert [item.id for item in read_items(SOURCE, path)] == ["2-Chile"]
    assert caplog.messages == [f"{path}: left out {reason}."]


@pytest.mark.parametrize("shares", ["[-0.5, 1.0, 0.5]", "[1e999, 0.0, 0.0]"])
def test_impossible_shares_are_refused_with_their_country(shares: str, tmp_path: Path) -> None:
    path = globalopinionqa(tmp_path, [QUESTIONS[1], QUESTIONS[0] | {"selections": f"{{'Peru': {shares}}}"}])

    with pytest.raises(ModPluralError) as caught:
        read_items(SOURCE, path)
    assert str(caught.value).startswith(f"{path}, row 2 (line 3), Peru: field 'selections': found ")


def test_a_table_of_another_kind_is_refused(tmp_path: Path) -> None:
    row: dict[str, Any] = {"question": "?", "options": "[]"}
    path = globalopinionqa(tmp_path, [row])

    with pytest.raises(ModPluralError) as caught:
        read_items(SOURCE, path)
    assert str(caught.value) == f"{path}: the column 'selections' is missing; found question, options."
