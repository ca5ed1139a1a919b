import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from community_lms.pools.identity import fingerprint
from community_lms.pools.pool import PRESET_FOLDER, load_pool, preset_names, select, weigh
from community_lms.pools.spec import Decoding, Weights
from plural_tasks.utils.errors import ModPluralError

PERSPECTIVE = ("news_left", "news_center", "news_right", "reddit_left", "reddit_center", "reddit_right")
CULTURE = ("africa_culture", "asia_culture", "europe_culture", "northamerica_culture", "southamerica_culture")
AMERICANS = ("liberal", "moderate", "conservative", "devout", "secular", "black_americans")
CONTINENTS = ("africa", "asia", "europe", "north_america", "latin_america")
PRESETS = {
    "perspective": PERSPECTIVE,
    "culture": CULTURE,
    "mixed": (*PERSPECTIVE[:3], "africa_culture", "asia_culture", "southamerica_culture"),
    # the perspective pool with reddit_center replaced
    "w_asia": (*PERSPECTIVE[:4], "asia_culture", "reddit_right"),
    "w_africa": (*PERSPECTIVE[:4], "africa_culture", "reddit_right"),
    "embedded": (*AMERICANS, *CONTINENTS),
    "embedded_perspective": AMERICANS,
    "embedded_culture": CONTINENTS,
    "personas": ("tradition", "progress", "liberty", "community", "security", "nature"),
}
PUBLISHED = [name for name in PRESETS if not name.startswith("embedded") and name != "personas"]
REPOSITORY = {
    **{name: f"bunsenfeng/mistral-{name[: name.index('_') + 2]}" for name in PERSPECTIVE},
    **{name: f"bunsenfeng/mistral-{name}" for name in CULTURE},
}
Write = Callable[..., Path]


def refusal(function: Callable[..., Any], *args: Any) -> str:
    with pytest.raises(ModPluralError) as caught:
        function(*args)
    return str(caught.value)


class TestPresets:
    def test_are_these(self) -> None:
        assert preset_names() == tuple(sorted(PRESETS))

    @pytest.mark.parametrize(("name", "members"), PRESETS.items())
    def test_have_these_members(self, name: str, members: tuple[str, ...]) -> None:
        assert load_pool(name).names == members

    @pytest.mark.parametrize("name", PUBLISHED)
    def test_name_the_published_adapters_backbone_and_decoding(self, name: str) -> None:
        pool = load_pool(name)

        for member in pool.communities:
            assert member.adapter == Weights(path=REPOSITORY[member.name])
            assert member.backbone == Weights(path="mistralai/Mistral-7B-Instruct-v0.1")
        assert pool.decoding == Decoding(temperature=1.0, top_p=0.9, max_new_tokens=200)

    def test_the_adapters_by_perspective_are_called_by_an_initial(self) -> None:
        assert [REPOSITORY[name] for name in PERSPECTIVE] == [
            f"bunsenfeng/mistral-{medium}_{side}" for medium in ("news", "reddit") for side in "lcr"
        ]

    def test_the_personas_are_prompts_on_the_embedded_model(self) -> None:
        for member in load_pool("personas").communities:
            assert member.kind == "persona"
            assert member.backbone == Weights(path="embedded")

    def test_the_embedded_pool_has_the_trained_members_of_the_other_two(self) -> None:
        together = (*load_pool("embedded_perspective").communities, *load_pool("embedded_culture").communities)

        assert load_pool("embedded").communities == together
        for member in together:
            assert member.adapter is not None
            assert Path(member.adapter.path).name == member.name
            assert member.backbone == Weights(path="embedded")

    @pytest.mark.parametrize("name", PRESETS)
    def test_are_called_by_their_file_and_described(self, name: str) -> None:
        pool = load_pool(name)

        assert pool.name == name
        assert pool.description.endswith(".")
        assert re.fullmatch(r"[0-9a-f]{64}", fingerprint(pool))
        assert all(member.description for member in pool.communities)
        assert sum(weigh(pool, None).values()) == pytest.approx(1.0)

    @pytest.mark.parametrize("name", PUBLISHED)
    def test_state_licence_and_corpus(self, name: str) -> None:
        assert all(member.licence and member.corpus for member in load_pool(name).communities)

    def test_all_differ(self) -> None:
        assert len({fingerprint(load_pool(name)) for name in PRESETS}) == len(PRESETS)

    def test_a_community_is_the_same_in_every_pool(self) -> None:
        seen: dict[str, object] = {}
        for name in PUBLISHED:
            for member in load_pool(name).communities:
                assert seen.setdefault(member.name, member) == member


class TestNames:
    def test_one_community_of_a_preset(self) -> None:
        pool = load_pool("asia_culture")

        assert (pool.name, pool.names) == ("asia_culture", ("asia_culture",))
        assert pool.communities[0] in load_pool("culture").communities

    def test_several_are_joined_by_plus(self) -> None:
        pool = load_pool(" perspective + asia_culture+europe_culture ")

        assert pool.names == (*PERSPECTIVE, "asia_culture", "europe_culture")
        assert pool.name == "perspective + asia_culture+europe_culture"
        assert pool.decoding == Decoding()

    def test_replacing_a_member_by_hand_gives_the_preset(self) -> None:
        by_hand = select(load_pool("perspective+asia_culture"), [*PERSPECTIVE[:4], "asia_culture", "reddit_right"])

        assert sorted(by_hand.names) == sorted(load_pool("w_asia").names)

    def test_a_community_twice_is_refused(self) -> None:
        assert refusal(load_pool, "perspective+news_left") == (
            "pool 'perspective+news_left': community 'news_left' is listed twice."
        )

    def test_pools_that_decode_differently_are_not_joined(self) -> None:
        assert refusal(load_pool, "culture+embedded") == (
            "pool 'culture+embedded': 'culture' and 'embedded' decode messages differently; "
            "write one pool file instead."
        )

    @pytest.mark.parametrize(("name", "close"), [("perspectives", "perspective"), ("asia_cultur", "asia_culture")])
    def test_an_unknown_name_gives_the_nearest(self, name: str, close: str) -> None:
        assert refusal(load_pool, name).startswith(
            f"pool (a preset, a community of one, or a path): unknown pool {name!r}. Did you mean {close!r}? "
        )

    @pytest.mark.parametrize("name", ["", "perspective+", "+"])
    def test_an_empty_name_is_unknown(self, name: str) -> None:
        assert "unknown pool ''." in refusal(load_pool, name)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_file(text: str, name: str = "mine.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return to_file


MINE = """\
name: mine
backbone: some/model
communities:
  - {name: one, description: first, adapter: ./adapters/one}
  - {name: two, description: second, persona: You are two.}
"""


class TestFiles:
    def test_local_weights_are_relative_to_the_file(
        self, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "adapters" / "one").mkdir(parents=True)
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")

        pool = load_pool(str(write(MINE)))
        assert pool.communities[0].adapter == Weights(path=str(tmp_path / "adapters" / "one"))
        assert pool.communities[0].backbone == Weights(path="some/model")

    @pytest.mark.parametrize("field", ["adapter", "checkpoint", "backbone"])
    def test_a_local_path_that_does_not_exist(self, write: Write, tmp_path: Path, field: str) -> None:
        other = "" if field == "checkpoint" else ", persona: p" if field == "backbone" else ", backbone: a/b"
        path = write(f"name: mine\ncommunities:\n  - {{name: one, description: d, {field}: ../none{other}}}\n")

        assert refusal(load_pool, str(path)) == (
            f"{path}, community 'one': {field} '../none' does not exist ({tmp_path.parent / 'none'})."
        )

    def test_absolute_and_home_paths(self, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "weights").mkdir()
        monkeypatch.setenv("HOME", str(tmp_path))
        path = write(
            "name: mine\ncommunities:\n"
            "  - {name: one, description: d, checkpoint: ~/weights}\n"
            f"  - {{name: two, description: d, checkpoint: {tmp_path / 'weights'}}}\n"
        )

        paths = [member.checkpoint for member in load_pool(str(path)).communities]
        assert paths == [Weights(path=str(tmp_path / "weights"))] * 2

    def test_a_name_without_a_dot_or_slash_in_front_is_a_repository(self, write: Write, tmp_path: Path) -> None:
        (tmp_path / "some" / "model").mkdir(parents=True)
        path = write("name: mine\ncommunities: [{name: one, description: d, checkpoint: some/model}]\n")

        assert load_pool(str(path)).communities[0].checkpoint == Weights(path="some/model")

    def test_a_file_may_be_joined_with_a_preset(self, write: Write) -> None:
        path = write("name: mine\ncommunities: [{name: one, description: d, checkpoint: some/model}]\n")

        assert load_pool(f"culture+{path}").names == (*CULTURE, "one")

    def test_a_file_name_may_hold_a_plus(self, write: Write) -> None:
        path = write("name: mine\ncommunities: [{name: one, description: d, checkpoint: some/model}]\n", "a+b.yaml")

        assert load_pool(str(path)).names == ("one",)

    def test_a_missing_file(self, tmp_path: Path) -> None:
        path = tmp_path / "none.yaml"

        assert refusal(load_pool, str(path)) == f"{path}: cannot be read (No such file or directory)."

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("name: mine\ncommunities: [{name: one", ":2:25: malformed YAML ("),
            ("- a\n", ": found list, expected a mapping with the fields name, description, backbone, "),
            ("name: mine\n", ": field 'communities' is missing."),
            ("name: mine\ncommunities:\n", ": field 'communities': Input should be a valid tuple, found None."),
            ("name: mine\ncommunities: []\n", ": the pool is empty, expected at least one community."),
            ("name: mine\ncommunities: [5]\n", ", community 1: found int, expected a mapping with the fields name, "),
            (
                "name: mine\ncommunities: [{name: one, descriptoin: d}]\n",
                ", community 'one': unknown field 'descriptoin'. Did you mean 'description'? (1 more problem.)",
            ),
            (
                "name: mine\ncommunities: [{description: d, persona: p}]\n",
                ", community 1: field 'name' is missing.",
            ),
            (
                MINE + "decoding: {temperatur: 0.5}\n",
                ": unknown field 'decoding.temperatur'. Did you mean 'temperature'?",
            ),
            (MINE + "decodng: {}\n", ": unknown field 'decodng'. Did you mean 'decoding'?"),
        ],
    )
    def test_faults_name_file_community_and_field(self, write: Write, text: str, message: str) -> None:
        path = write(text)

        assert refusal(load_pool, str(path)).startswith(f"{path}{message}")

    def test_the_presets_are_files_like_any_other(self) -> None:
        assert load_pool(str(PRESET_FOLDER / "culture.yaml")) == load_pool("culture")


class TestSelect:
    def test_none_keeps_all(self) -> None:
        assert select(load_pool("culture"), None) == load_pool("culture")

    @pytest.mark.parametrize(
        "wanted",
        ["europe_culture+africa_culture", ["europe_culture", "africa_culture"], " europe_culture + africa_culture "],
    )
    def test_keeps_the_order_of_the_pool(self, wanted: Any) -> None:
        assert select(load_pool("culture"), wanted).names == ("africa_culture", "europe_culture")

    def test_changes_the_fingerprint(self) -> None:
        pool = load_pool("culture")

        assert fingerprint(select(pool, "asia_culture")) != fingerprint(pool)
        assert fingerprint(select(pool, list(CULTURE))) == fingerprint(pool)

    def test_an_unknown_name(self) -> None:
        assert refusal(select, load_pool("culture"), "asia_cultre") == (
            "communities (pool 'culture'): unknown community 'asia_cultre'. Did you mean 'asia_culture'? "
            f"Valid: {', '.join(CULTURE)}."
        )

    @pytest.mark.parametrize("wanted", ["", [], "+"])
    def test_an_empty_list(self, wanted: Any) -> None:
        assert refusal(select, load_pool("culture"), wanted) == (
            f"communities: the list is empty; pool 'culture' has {', '.join(CULTURE)}."
        )


class TestWeigh:
    @pytest.fixture
    def three(self, write: Write) -> Any:
        """Prior weights 1, 1 and 2."""
        member = "  - {{name: {0}, description: d, checkpoint: a/b, prior_weight: {1}}}\n"
        members = "".join(member.format(name, weight) for name, weight in (("a", 1), ("b", 1), ("c", 2)))
        return load_pool(str(write(f"name: three\ncommunities:\n{members}")))

    @pytest.mark.parametrize(
        ("weights", "expected"),
        [
            (None, (1 / 4, 1 / 4, 2 / 4)),
            ([1, 2, 5], (1 / 8, 2 / 8, 5 / 8)),
            ((0.5, 0.25, 0.25), (0.5, 0.25, 0.25)),
            ("1+2+5", (1 / 8, 2 / 8, 5 / 8)),
            ({"a": 3, "b": 3, "c": 6}, (3 / 12, 3 / 12, 6 / 12)),
            # who is not named keeps the prior weight: 5, 1, 2
            ({"a": 5}, (5 / 8, 1 / 8, 2 / 8)),
            ("a:5", (5 / 8, 1 / 8, 2 / 8)),
            ("c:6+a:1", (1 / 8, 1 / 8, 6 / 8)),
            (["c:6", "a:1"], (1 / 8, 1 / 8, 6 / 8)),
            ({}, (1 / 4, 1 / 4, 2 / 4)),
        ],
    )
    def test_forms(self, three: Any, weights: Any, expected: tuple[float, ...]) -> None:
        found = weigh(three, weights)

        assert list(found) == ["a", "b", "c"]
        assert tuple(found.values()) == pytest.approx(expected, abs=1e-12)

    def test_one_number_for_one_community(self, three: Any) -> None:
        assert weigh(select(three, "b"), 7) == {"b": 1.0}
        assert weigh(select(three, "b"), "7") == {"b": 1.0}

    @pytest.mark.parametrize(
        ("weights", "message"),
        [
            ([1, 2], "weights: found 2, expected 3, one for each of a, b, c."),
            ("1+2+3+4", "weights: found 4, expected 3, one for each of a, b, c."),
            (1, "weights: found 1, expected 3, one for each of a, b, c."),
            ("", "weights: found 0, expected 3, one for each of a, b, c."),
            ([1, 0, 1], "weights: b has 0, expected a positive number."),
            ([1, -2, 1], "weights: b has -2, expected a positive number."),
            ([1, float("nan"), 1], "weights: b has nan, expected a positive number."),
            ("1+inf+1", "weights: b has inf, expected a positive number."),
            ("1+x+1", "weights: b has 'x', expected a positive number."),
            ({"a": None}, "weights: a has None, expected a positive number."),
            ("a:", "weights: a has '', expected a positive number."),
            ({"d": 1}, "weights: unknown community 'd'. Valid: a, b, c."),
            ("a:1+d:2", "weights: unknown community 'd'. Valid: a, b, c."),
        ],
    )
    def test_faults(self, three: Any, weights: Any, message: str) -> None:
        assert refusal(weigh, three, weights) == message
