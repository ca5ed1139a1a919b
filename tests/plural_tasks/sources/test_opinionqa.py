import csv
from pathlib import Path

import numpy as np
import pytest

from plural_tasks.schema import SteerableItem
from plural_tasks.sources import SOURCES, locate, read_items
from plural_tasks.sources.fields import cluster_of
from plural_tasks.sources.opinionqa import GROUPS, weighted_shares
from plural_tasks.utils.errors import ModPluralError
from tests.plural_tasks.sources.samples import INFO, opinionqa

SOURCE = SOURCES["steerable_opinionqa_full"]


def items_of(path: Path) -> dict[str, SteerableItem]:
    return {item.id: item for item in read_items(SOURCE, path) if isinstance(item, SteerableItem)}


def refusal(path: Path) -> str:
    with pytest.raises(ModPluralError) as caught:
        read_items(SOURCE, path)
    return str(caught.value)


def edit(path: Path, old: str, new: str) -> Path:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def test_a_group_answers_by_its_weights(tmp_path: Path) -> None:
    men = items_of(opinionqa(tmp_path))["W26/BREAD_W26/SEX_Male"]

    # Often has the weight 1, None 2 + 1, of 4 in all; the man who refused counts nowhere
    assert men == SteerableItem(
        id="W26/BREAD_W26/SEX_Male",
        question="How often do you bake bread?",
        cluster=cluster_of("How often do you bake bread?\nOften\nRarely\nNone"),
        study="Pew American Trends Panel, wave 26",
        options=("Often", "Rarely", "None"),
        attribute="sex: Male",
        category="sex",
        gold=(2,),
        gold_distribution=(0.25, 0.0, 0.75),
        ordinal=True,
        sample_size=3,
        standard_errors=men.standard_errors,
    )
    # effective size 4² / (1² + 2² + 1²) = 8/3; sqrt(0.25 x 0.75 x 3/8) = 0.265165
    assert men.standard_errors == pytest.approx((0.265165, 0.0, 0.265165), abs=1e-6)


def test_groups_of_the_method_that_the_wave_asked_for_are_taken(tmp_path: Path) -> None:
    items = items_of(opinionqa(tmp_path))

    groups = ("SEX_Male", "SEX_Female", "RELIG_Protestant", "RELIG_Atheist")
    assert list(items) == [f"W26/{key}/{group}" for key in ("BREAD_W26", "GRAIN_W26") for group in groups]
    shares = {id.removeprefix("W26/"): item.gold_distribution for id, item in items.items()}
    assert shares["BREAD_W26/SEX_Female"] == (0.75, 0.25, 0.0)  # 4.5 and 1.5 of 6
    assert shares["BREAD_W26/RELIG_Protestant"] == (0.0, 1.0, 0.0)  # the other Protestant refused
    assert shares["GRAIN_W26/SEX_Male"] == pytest.approx((2 / 3, 1 / 3))  # 1 and 0.5 of 1.5
    assert shares["GRAIN_W26/RELIG_Atheist"] == (1.0, 0.0)
    tied = items["W26/BREAD_W26/RELIG_Atheist"]
    assert (tied.gold, tied.sample_size) == ((0, 2), 2)


def test_a_wave_that_did_not_ask_for_a_category_has_none_of_its_groups(tmp_path: Path) -> None:
    folder = opinionqa(tmp_path)
    edit(folder / "American_Trends_Panel_W26" / "metadata.csv", "RELIG", "RELIGATTEND")

    assert {item.category for item in items_of(folder).values()} == {"sex"}


def test_a_group_without_an_answer_has_no_item(tmp_path: Path) -> None:
    folder = opinionqa(tmp_path)
    edit(folder / "American_Trends_Panel_W26" / "responses.csv", "1.0,Often,Rye", "1.0,Often,Refused")

    # one of the two atheists refuses now, as the other did before
    assert "W26/GRAIN_W26/RELIG_Atheist" not in items_of(folder)
    assert "W26/BREAD_W26/RELIG_Atheist" in items_of(folder)


@pytest.mark.parametrize(
    ("references", "order", "ordinal", "dont_know"),
    [
        ("['Often', 'Rarely', 'None', 'Refused']", "[1.0, 2.0, 3.0]", True, ()),
        ("['Often', 'Rarely', 'None', 'Refused']", "[1, 1, 1]", False, ()),
        ("['Often', 'None', 'Rarely', 'Refused']", "[1.0, 2.0, 1.5]", False, ()),
        ("['Often', 'Not sure', 'None', 'Refused']", "[1.0, 1.0, 3.0]", True, (1,)),
        ("['Often', 'Not sure', 'Refused']", "[1.0, 2.0]", False, (1,)),
    ],
)
def test_options_are_ordinal_where_the_study_ranks_them_so(
    references: str, order: str, ordinal: bool, dont_know: tuple[int, ...], tmp_path: Path
) -> None:
    folder = opinionqa(tmp_path, info=[INFO[0] | {"references": references, "option_ordinal": order}, INFO[1]])
    item = items_of(folder)["W26/BREAD_W26/SEX_Female"]

    assert (item.ordinal, item.dont_know) == (ordinal, dont_know)


class TestWeightedShares:
    def test_by_hand(self) -> None:
        found = weighted_shares(np.array([0, 1, -1, 1]), np.array([1.0, 2.0, 9.0, 1.0]), 3)

        assert found is not None
        assert found.shares == (0.25, 0.75, 0.0)
        assert found.sample_size == 3
        assert found.standard_errors == pytest.approx((0.265165, 0.265165, 0.0), abs=1e-6)  # as above

    def test_people_without_weight_do_not_count(self) -> None:
        found = weighted_shares(np.array([0, 1, 1]), np.array([2.0, 2.0, 0.0]), 2)

        assert found is not None
        assert (found.shares, found.sample_size) == ((0.5, 0.5), 2)

    def test_with_equal_weights_it_is_the_usual_formula(self) -> None:
        found = weighted_shares(np.array([0] * 30 + [1] * 70), np.full(100, 0.4), 2)

        assert found is not None
        assert found.shares == pytest.approx((0.3, 0.7))
        assert found.standard_errors == pytest.approx((0.045826, 0.045826), abs=1e-6)  # sqrt(0.3 x 0.7 / 100)

    @pytest.mark.parametrize("weights", [[0.0, 0.0], [0.0, 3.0]])
    def test_without_weight_on_an_option_there_is_nothing(self, weights: list[float]) -> None:
        assert weighted_shares(np.array([0, -1]), np.array(weights), 2) is None


def test_the_groups_are_the_22_of_the_method() -> None:
    assert sum(map(len, GROUPS.values())) == 22


class TestPlaces:
    def test_the_worksheet_or_its_folder(self, tmp_path: Path) -> None:
        folder = opinionqa(tmp_path)

        assert locate(SOURCE, tmp_path) == locate(SOURCE, folder) == folder

    def test_nothing_given_says_how_to_get_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("MODPLURAL_DATA", raising=False)
        with pytest.raises(ModPluralError) as caught:
            locate(SOURCE)
        assert str(caught.value) == (
            "steerable_opinionqa_full: OpinionQA may not be redistributed: download human_resp from "
            "https://worksheets.codalab.org/worksheets/0x6fb693719477478aac73fc07db333f69. Give the "
            "path of the folder that holds it as plural_data (--metadata plural_data=PATH in lm_eval, --data PATH in "
            "modplural data) or MODPLURAL_DATA."
        )

    def test_an_address_is_refused(self) -> None:
        with pytest.raises(
            ModPluralError, match=r"is read from a local folder only, found https://example\.org/polls\. "
        ):
            locate(SOURCE, "https://example.org/polls/")

    @pytest.mark.parametrize("kind", ["folder", "file"])
    def test_without_waves(self, kind: str, tmp_path: Path) -> None:
        place = tmp_path / "human_resp"
        place.mkdir() if kind == "folder" else place.touch()

        assert refusal(locate(SOURCE, place)) == (
            f"{place}: holds no folder American_Trends_Panel_W…, expected the worksheet's human_resp."
        )


class TestFaults:
    def test_a_missing_table(self, tmp_path: Path) -> None:
        folder = opinionqa(tmp_path)
        path = folder / "American_Trends_Panel_W26" / "metadata.csv"
        path.unlink()

        assert refusal(folder) == f"{path}: cannot be read (No such file or directory)."

    @pytest.mark.parametrize("column", ["WEIGHT_W26", "BREAD_W26", "SEX"])
    def test_a_missing_column_of_the_answers(self, column: str, tmp_path: Path) -> None:
        folder = opinionqa(tmp_path)
        path = edit(folder / "American_Trends_Panel_W26" / "responses.csv", column, f"X{column}")

        assert refusal(folder) == f"{path}: the column {column!r} is missing."

    @pytest.mark.parametrize("weight", ["much", "", "-1.0", "nan", "inf"])
    def test_a_weight_that_is_none(self, weight: str, tmp_path: Path) -> None:
        folder = opinionqa(tmp_path)
        path = edit(folder / "American_Trends_Panel_W26" / "responses.csv", ",2.0,", f",{weight},")

        assert refusal(folder) == (
            f"{path}, row 2: field 'WEIGHT_W26': found {weight!r}, expected a weight of at least 0."
        )

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"references": "exit()"}, "field 'references': found 'exit()', expected a Python literal."),
            ({"references": "['Rye', 2]"}, "field 'references': found ['Rye', 2], expected a list of texts."),
            ({"option_ordinal": "[1] * 4"}, "field 'option_ordinal': found '[1] * 4', expected a Python literal."),
            (
                {"option_ordinal": "[4, 3, 2, 1]"},
                "field 'option_ordinal': found [4, 3, 2, 1], expected 1 to 3 numbers.",
            ),
            ({"option_ordinal": "[]"}, "field 'option_ordinal': found [], expected 1 to 3 numbers."),
            ({"option_ordinal": "['low']"}, "field 'option_ordinal': found ['low'], expected 1 to 3 numbers."),
            ({"question": " "}, "field 'question': found ' ', expected text."),
        ],
    )
    def test_a_question_that_cannot_be_read(self, changes: dict[str, str], message: str, tmp_path: Path) -> None:
        folder = opinionqa(tmp_path, info=[INFO[0], INFO[1] | changes])

        assert refusal(folder) == f"{folder / 'American_Trends_Panel_W26' / 'info.csv'}, row 2 (line 3): {message}"

    def test_answers_that_are_no_table(self, tmp_path: Path) -> None:
        folder = opinionqa(tmp_path)
        path = folder / "American_Trends_Panel_W26" / "responses.csv"
        path.write_text("")

        assert refusal(folder).startswith(f"{path}: malformed CSV (")

    def test_every_wave_is_read(self, tmp_path: Path) -> None:
        folder = opinionqa(tmp_path)
        opinionqa(tmp_path / "other")
        other = tmp_path / "other" / "human_resp" / "American_Trends_Panel_W26"
        for path in other.iterdir():
            path.write_text(path.read_text().replace("W26", "W27"))
        other.rename(folder / "American_Trends_Panel_W27")

        assert {item.study[-7:] for item in items_of(folder).values()} == {"wave 26", "wave 27"}
        assert len(items_of(folder)) == 16


def test_the_sample_keeps_the_text_none_apart_from_a_blank(tmp_path: Path) -> None:
    path = opinionqa(tmp_path) / "American_Trends_Panel_W26" / "responses.csv"
    with path.open(newline="") as file:
        answers = [row["BREAD_W26"] for row in csv.DictReader(file)]

    assert answers.count("None") == 2
    assert items_of(path.parents[1])["W26/BREAD_W26/RELIG_Atheist"].gold_distribution == (0.5, 0.0, 0.5)
