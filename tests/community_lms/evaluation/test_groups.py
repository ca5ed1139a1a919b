from pathlib import Path

import pytest

from community_lms.evaluation.groups import PACKAGED, Groups, read_groups, target
from plural_tasks.sources.locate import DATA_FOLDER
from plural_tasks.sources.surveys import read_surveys
from plural_tasks.utils.errors import ModPluralError
from tests.community_lms.evaluation.surveys import question

NAMES = {"liberal", "moderate", "conservative", "devout", "secular", "black_americans"}
CONTINENTS = {"africa", "asia", "europe", "north_america", "latin_america"}


def cells(**fields: tuple[str, ...]) -> list[str]:
    asked = question(
        groups={
            "party: Red (Land, 2001)": [1, 0],
            "party: Red (Land, 2002)": [1, 0],
            "party: Red; age: old (Land, 2001)": [1, 0],
            "party: Reddish (Land, 2001)": [1, 0],
        },
        populations={
            "people in Land (2001)": ("Asia", [1, 0]),
            "people in Landing (2001)": ("Asia", [1, 0]),
            "Reds in Land (2001)": ("Asia", [1, 0]),
            "people in Land who are left (2001)": ("Asia", [1, 0]),
            "people born in Isle (2001)": ("Europe", [1, 0]),
        },
    )
    return [cell.attribute for cell in Groups(**fields).matches(asked)]


def test_a_group_is_named_without_place_and_time_and_is_no_other_that_begins_so() -> None:
    assert cells(groups=("party: Red",)) == ["party: Red (Land, 2001)", "party: Red (Land, 2002)"]
    assert cells(populations=("people in Land",)) == ["people in Land (2001)"]


def test_a_parenthesis_makes_a_prefix_and_slashes_a_pattern() -> None:
    assert cells(groups=("party: Red (Land, 2002",)) == ["party: Red (Land, 2002)"]
    assert cells(groups=("/^party: Red(dish)? .*2001/",)) == ["party: Red (Land, 2001)", "party: Reddish (Land, 2001)"]


def test_a_stratum_takes_whole_countries_and_nobody_twice() -> None:
    assert cells(strata=("Asia",)) == ["people in Land (2001)", "people in Landing (2001)"]
    assert cells(strata=("Europe",)) == ["people born in Isle (2001)"]
    assert len(cells(strata=("Asia",), populations=("people in Land",))) == 2


def test_the_target_is_the_mean_over_groups_whatever_their_size() -> None:
    asked = question(groups={"a (x)": [0.5, 0.5], "b (x)": [1.0, 0.0], "c (x)": [0.0, 1.0]})

    found = target(asked, Groups(groups=("a", "b")))
    assert found is not None
    assert found.shares == pytest.approx((0.75, 0.25))
    assert found.cells == ("a (x)", "b (x)")
    assert target(asked, Groups(groups=("nobody",))) is None


def test_the_short_form_is_a_list_of_groups(tmp_path: Path) -> None:
    path = tmp_path / "groups.yaml"
    path.write_text("communities:\n  red: ['party: Red']\n  asia: {strata: [Asia]}\n")

    assert read_groups(path) == {"red": Groups(groups=("party: Red",)), "asia": Groups(strata=("Asia",))}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("communities: {red: {group: [a]}}", "unknown field 'communities.red.group'. Did you mean 'groups'"),
        ("communities: {red: {groups: []}}", "names nobody; expected groups, populations or strata"),
        ("communities: {red: ['/(/']}", "is no regular expression"),
        ("communities: 3", "communities"),
        ("[]", "found list, expected a mapping"),
    ],
)
def test_a_wrong_file_is_one_error(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "groups.yaml"
    path.write_text(text)

    with pytest.raises(ModPluralError) as caught:
        read_groups(path)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)


def test_every_entry_of_the_packaged_file_names_somebody_and_every_community_has_train_and_test_questions() -> None:
    surveys, found = read_surveys(DATA_FOLDER / "surveys" / "surveys.json"), read_groups(PACKAGED)

    assert set(found) == NAMES | CONTINENTS
    for name, groups in found.items():
        for kind in ("groups", "populations", "strata"):
            for entry in getattr(groups, kind):
                alone = Groups(**{kind: (entry,)})
                assert any(alone.matches(asked) for asked in surveys.questions), (name, entry)
        for split in ("train", "test"):
            assert any(groups.matches(asked) for asked in surveys.questions if asked.split == split), (name, split)


def test_packaged_communities_share_no_people_but_by_another_attribute() -> None:
    surveys, found = read_surveys(DATA_FOLDER / "surveys" / "surveys.json"), read_groups(PACKAGED)

    for names in (("liberal", "moderate", "conservative"), ("devout", "secular"), sorted(CONTINENTS)):
        for asked in surveys.questions:
            seen = [cell.attribute for name in names for cell in found[name].matches(asked)]
            assert len(seen) == len(set(seen)), asked.id
