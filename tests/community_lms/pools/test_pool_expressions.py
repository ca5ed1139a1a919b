"""Pools put together with + and -, in files whose names and members have hyphens of their own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from community_lms.pools import pool as pools
from community_lms.pools.pool import load_pool, weigh
from plural_tasks.utils.errors import ModPluralError

PERSPECTIVE = ("news_left", "news_center", "news_right", "reddit_left", "reddit_center", "reddit_right")
FIVE = tuple(name for name in PERSPECTIVE if name != "reddit_center")
Write = Callable[..., None]


def refusal(function: Callable[..., Any], *args: Any) -> str:
    with pytest.raises(ModPluralError) as caught:
        function(*args)
    return str(caught.value)


@pytest.fixture
def presets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Presets of the test's own, each given as its members' names."""
    monkeypatch.setattr(pools, "PRESET_FOLDER", tmp_path)

    def write(folder: Path = tmp_path, **made: Any) -> None:
        for name, members in made.items():
            lines = [f"  - {{name: {one}, description: {one}, checkpoint: org/{one}}}" for one in members.split()]
            text = f"name: {name}\ncommunities:\n" + "\n".join(lines) + "\n"
            (folder / f"{name.replace('__', '-')}.yaml").write_text(text)

    return write


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("perspective-reddit_center", FIVE),
        ("perspective - reddit_center", FIVE),
        ("perspective-reddit_center+asia_culture", (*FIVE, "asia_culture")),
        ("perspective+asia_culture-reddit_center", (*FIVE, "asia_culture")),
        ("perspective-news_left-news_right-reddit_center", ("news_center", "reddit_left", "reddit_right")),
        # from left to right: what was taken out may come back, at the end
        ("perspective-news_left+news_left", (*PERSPECTIVE[1:], "news_left")),
    ],
)
def test_members_are_taken_out_and_added_from_left_to_right(text: str, names: tuple[str, ...]) -> None:
    pool = load_pool(text)
    assert pool.names == names
    assert pool.name == text


def test_the_published_patch_has_the_members_of_its_preset() -> None:
    ours, preset = load_pool("perspective-reddit_center+asia_culture"), load_pool("w_asia")
    assert set(ours.communities) == set(preset.communities)
    assert weigh(ours, None) == pytest.approx(dict.fromkeys(ours.names, 1 / 6))


def test_names_may_hold_hyphens_and_the_longest_known_one_wins(presets: Write) -> None:
    presets(my="b b-c c pool-x", my__pool="x x-y")
    assert load_pool("my-pool").names == ("x", "x-y")  # and not "my" without "pool"
    assert load_pool("my-pool-x").names == ("x-y",)
    assert load_pool("my-pool-x-y").names == ("x",)
    assert load_pool("my-b-c").names == ("b", "c", "pool-x")  # b-c goes, and not b and c
    assert load_pool("my-b-c-c").names == ("b", "pool-x")
    assert load_pool("my-c-b").names == ("b-c", "pool-x")
    assert load_pool("b-c").names == ("b-c",)


def test_a_shorter_name_is_tried_where_the_longest_leaves_no_sense(presets: Write) -> None:
    presets(a="b-c d", a__b="e f")
    assert load_pool("a-b-c").names == ("d",)  # of "a-b" there is no "c" to take out
    assert load_pool("a-b-e").names == ("f",)


def test_paths_may_hold_hyphens(presets: Write, tmp_path: Path) -> None:
    folder = tmp_path / "my-pools"
    folder.mkdir()
    presets(folder, a__b="one two-three")
    path = folder / "a-b.yaml"
    assert load_pool(str(path)).names == ("one", "two-three")
    assert load_pool(f"{path}-one").names == ("two-three",)
    assert load_pool(f"{path}-two-three").names == ("one",)


def test_a_path_that_is_not_there_is_named_whole(tmp_path: Path) -> None:
    path = tmp_path / "no-such-pool.yaml"
    assert refusal(load_pool, str(path)) == f"{path}: cannot be read (No such file or directory)."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "perspective-reddit_centre",
            "pool 'perspective-reddit_centre', what is taken out of 'perspective': unknown community "
            "'reddit_centre'. Did you mean 'reddit_center'? Valid: ",
        ),
        ("perspective-asia_culture+asia_culture", "pool 'perspective-asia_culture+asia_culture', what is taken out"),
        ("perspectiv-reddit_center", "pool (a preset, a community of one, or a path): unknown pool 'perspectiv'. Did "),
        ("asia_culture-asia_culture", "pool 'asia_culture-asia_culture': without 'asia_culture' nobody is left"),
        ("perspective-", "pool (a preset, a community of one, or a path): unknown pool 'perspective"),
        ("-news_left", "pool (a preset, a community of one, or a path): unknown pool "),
        ("perspective+news_left-news_left", "pool 'perspective+news_left-news_left': community 'news_left' is listed"),
    ],
)
def test_faults_name_the_place_and_the_nearest(text: str, message: str) -> None:
    assert refusal(load_pool, text).startswith(message)


def test_a_name_that_means_different_communities_is_refused(presets: Write, tmp_path: Path) -> None:
    presets(one="left right", two="left")
    text = (tmp_path / "two.yaml").read_text().replace("org/left", "org/other")
    (tmp_path / "two.yaml").write_text(text)
    assert refusal(load_pool, "left").startswith("pool: 'left' is not the same community in the presets one, two;")
    assert load_pool("one-left").names == ("right",)


def test_a_preset_without_its_weights_keeps_no_other_from_being_found(presets: Write, tmp_path: Path) -> None:
    presets(one="left right")
    (tmp_path / "a.yaml").write_text("name: a\ncommunities: [{name: x, description: d, checkpoint: ./none}]\n")
    assert load_pool("left").names == ("left",)
    assert "checkpoint './none' does not exist" in refusal(load_pool, "a")
