"""The themes are whole, lean no way that is not told, and a malformed file is refused."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from plural_tasks.utils.errors import ModPluralError
from tests.tools.train_embedded.made import FIELDS
from tools.train_embedded import themes
from tools.train_embedded.balance import Balance, balance, balances, table
from tools.train_embedded.pools import voices
from tools.train_embedded.reader import all_themes
from tools.train_embedded.themes import EVERYDAY, FOLDER, Theme, opinion_themes, read_themes

README = (FOLDER / "README.md").read_text(encoding="utf-8")
NAMES = {
    "liberal",
    "moderate",
    "conservative",
    "devout",
    "secular",
    "black_americans",
    "africa",
    "asia",
    "europe",
    "north_america",
    "latin_america",
}


def test_every_file_holds_seventy_themes_and_every_id_is_unique() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.yaml")) == [
        "economy",
        "everyday",
        "groups",
        "institutions",
        "life",
        "morality",
        "politics",
        "society",
        "world",
    ]
    assert [len(read_themes(path.stem)) for path in sorted(FOLDER.glob("*.yaml"))] == [70] * 9
    assert len({theme.id for theme in all_themes()}) == 630


def test_every_theme_has_three_reasons_on_each_side_and_two_between_all_different() -> None:
    assert {(len(theme.plus), len(theme.minus), len(theme.between)) for theme in all_themes()} == {(3, 3, 2)}
    reasons = [reason for theme in all_themes() for reason in (*theme.plus, *theme.minus, *theme.between)]
    assert len(set(reasons)) == len(reasons) == 630 * 8


def test_opinions_have_a_stance_of_each_of_the_eleven_communities_and_everyday_themes_have_none() -> None:
    assert {voice.name for voice in voices()} == NAMES
    assert all(set(theme.positions) == NAMES for theme in opinion_themes())
    assert all(-2 <= stance <= 2 for theme in opinion_themes() for stance in theme.positions.values())
    assert all(theme.positions == {} for theme in read_themes(EVERYDAY))


def test_sentences_fit_the_wordings_that_they_are_put_into() -> None:
    for theme in all_themes():
        assert theme.statement.endswith("."), theme.id
        assert theme.opposite.endswith("."), theme.id
        assert theme.question.endswith("?"), theme.id
        assert theme.asks is None or theme.asks.endswith("?"), theme.id
        for part in (theme.situation, theme.spend or "x", *theme.options):
            assert part[-1] not in ".?!", (theme.id, part)
        # "Possible answers" are joined by "; ".
        assert not any(";" in text for text in (theme.statement, theme.opposite, *theme.options)), theme.id
        assert len(set(theme.options)) == len(theme.options) in {0, 4, 5}, theme.id


def test_the_balance_of_stances_by_hand() -> None:
    # One of four above 0, one at 0, two below; (1 + 0 - 1 - 2) / 4 = -0.5.
    assert balance([1.0, 0.0, -1.0, -2.0]) == Balance(plus=0.25, zero=0.25, minus=0.5, mean=-0.5)


def test_the_balance_of_all_is_that_of_the_themes_by_their_mean_stance() -> None:
    # Means 0.5, 0 (0.1 + 0.2 - 0.3 is not 0 in binary) and -1: a third each, and -0.5 / 3 on the whole.
    stances = ([0.5] * 11, [0.1, 0.2, -0.3, *[0.0] * 8], [-1.0] * 11)
    made = [Theme.model_validate({**FIELDS, "positions": dict(zip(NAMES, row, strict=True))}) for row in stances]
    found = balances(made)
    assert list(found) == [*(voice.name for voice in voices()), "all"]
    assert (found["all"].plus, found["all"].zero, found["all"].minus) == (1 / 3, 1 / 3, 1 / 3)
    assert found["all"].mean == pytest.approx(-0.5 / 3)


def test_no_community_leans_far_to_one_side() -> None:
    for name, found in balances(opinion_themes()).items():
        assert 0.3 < found.minus < 0.6, name
        assert 0.4 < found.plus < 0.7, name


def test_the_readme_shows_the_balance_and_the_counts() -> None:
    assert table(opinion_themes()) in README
    graded, spending = (sum(bool(getattr(theme, field)) for theme in all_themes()) for field in ("options", "spend"))
    assert f"630 themes in nine files of 70; {graded} have graded options, {spending} are about public money" in README


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(themes, "FOLDER", tmp_path)
    themes.read_themes.cache_clear()
    yield tmp_path
    themes.read_themes.cache_clear()


def write(folder: Path, *entries: Any) -> None:
    (folder / "made.yaml").write_text(yaml.safe_dump(list(entries)), encoding="utf-8")


ENTRY = {**FIELDS, "id": "wells", "positions": {"asia": 1.5}}


def test_an_id_is_that_of_the_file_and_the_entry(folder: Path) -> None:
    write(folder, ENTRY)
    assert [theme.id for theme in opinion_themes()] == ["made/wells"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"plus": ["One.", "Two."]}, "made.yaml, theme 'wells': field 'plus'"),
        ({"between": ["One.", "Two.", "Three."]}, "field 'between'"),
        ({"positions": {"asia": 2.1}}, "field 'positions.asia'"),
        ({"asks": None}, "options and asks belong together"),
        ({"options": []}, "options and asks belong together"),
        ({"reasons": []}, "unknown field 'reasons'"),
    ],
)
def test_a_malformed_theme_is_refused(folder: Path, change: dict[str, Any], message: str) -> None:
    write(folder, {**ENTRY, **change})
    with pytest.raises(ModPluralError, match=message):
        read_themes("made")


def test_a_file_that_is_no_list_and_an_entry_that_is_no_mapping_are_refused(folder: Path) -> None:
    (folder / "made.yaml").write_text("wells: deep\n", encoding="utf-8")
    with pytest.raises(ModPluralError, match=r"made.yaml: found dict, expected a list of themes"):
        read_themes("made")
    write(folder, ENTRY, "wells")
    with pytest.raises(ModPluralError, match=r"made.yaml, theme 2: found str, expected a mapping"):
        read_themes("made")


def test_an_id_that_occurs_twice_is_refused(folder: Path) -> None:
    write(folder, ENTRY, ENTRY)
    with pytest.raises(ModPluralError, match="theme 'made/wells' occurs twice"):
        opinion_themes()
