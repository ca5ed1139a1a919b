"""Every builder on a small source in its layout, and what is particular to each."""

import json
import random
from collections import Counter
from pathlib import Path

import pyarrow.parquet
import pytest

from community_lms.pools.spec import Community
from community_lms.training.builders import BUILDERS, CorpusRequest, build
from community_lms.training.builders.base import community_name
from community_lms.training.builders.survey import as_comments
from community_lms.training.cleaning import Cleaning
from community_lms.training.corpus import COLUMNS, Corpus, is_held_out, stream
from community_lms.training.tally import CorpusTally
from plural_tasks.utils.errors import ModPluralError
from tests.community_lms.training.layouts import (
    ALIGNMENT,
    ARTICLE,
    CONVERSATIONS,
    LAYOUTS,
    SURVEY,
    alignment_row,
    culture_row,
    write_jsonl,
)

NAMES = sorted(BUILDERS)


def made(name: str, path: Path, **fields) -> tuple[list[dict], CorpusTally]:
    out = (path if path.is_dir() else path.parent).parent / "made.jsonl"
    tally = build(BUILDERS[name], CorpusRequest(path=str(path), **fields), out)
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()], tally


def test_every_builder_has_a_layout() -> None:
    assert set(LAYOUTS) == set(BUILDERS)


@pytest.mark.parametrize("name", NAMES)
class TestContract:
    def test_records_are_whole_and_can_be_streamed(self, name: str, tmp_path: Path) -> None:
        records, tally = made(name, LAYOUTS[name](tmp_path / "in"))
        assert tally.kept == len(records) > 0
        assert tally.communities == Counter(record["community"] for record in records)
        for record in records:
            assert tuple(record) == COLUMNS
            assert all(isinstance(value, str) for value in record.values())
            assert record["comment"].strip()
            Community(name=record["community"], description="x", checkpoint="y")  # a name that a pool file may have
        streamed = stream(Corpus(path=str(tmp_path / "made.jsonl")), part="all", cleaning=Cleaning(min_chars=1))
        assert list(streamed) == records  # nothing is left to clean, and nothing is there twice

    def test_it_is_the_same_each_time(self, name: str, tmp_path: Path) -> None:
        path = LAYOUTS[name](tmp_path / "in")
        assert made(name, path) == made(name, path)

    def test_parquet_holds_the_same(self, name: str, tmp_path: Path) -> None:
        path = LAYOUTS[name](tmp_path / "in")
        records, _ = made(name, path)
        build(BUILDERS[name], CorpusRequest(path=str(path)), tmp_path / "made.parquet")
        assert pyarrow.parquet.read_table(tmp_path / "made.parquet").to_pylist() == records

    def test_every_grouping_works_or_says_what_is_missing(self, name: str, tmp_path: Path) -> None:
        path = LAYOUTS[name](tmp_path / "in")
        for by in BUILDERS[name].by:
            records, told = [], ""
            try:
                records, _ = made(name, path, by=by)
            except ModPluralError as error:
                told = str(error)
            assert records or "is missing" in told or "rows is left" in told

    def test_an_unknown_grouping(self, name: str, tmp_path: Path) -> None:
        with pytest.raises(ModPluralError, match=f"builder {name}: unknown grouping 'planet'"):
            made(name, LAYOUTS[name](tmp_path / "in"), by="planet")

    def test_a_place_that_is_not_there(self, name: str, tmp_path: Path) -> None:
        with pytest.raises(ModPluralError, match="no such file or folder"):
            made(name, tmp_path / "gone.jsonl")

    def test_rows_of_another_kind(self, name: str, tmp_path: Path) -> None:
        path = write_jsonl(tmp_path / "in" / "a.jsonl", [{"nothing": "of use"}])
        with pytest.raises(ModPluralError, match=r"a\.jsonl:1: (column|found)|holds no conversations|holds no survey"):
            made(name, path.parent)


class TestWriting:
    ROWS = tuple({"community": "ab"[number % 2], "comment": f"text {number}"} for number in range(10))

    def test_limits(self, tmp_path: Path) -> None:
        path = write_jsonl(tmp_path / "in" / "a.jsonl", list(self.ROWS))
        request = CorpusRequest(path=str(path))
        tally = build(BUILDERS["files"], request, tmp_path / "x.jsonl", limit=4)
        assert (tally.read, tally.kept) == (4, 4)
        tally = build(BUILDERS["files"], request, tmp_path / "x.jsonl", per_community=2)
        assert (tally.read, tally.communities) == (10, {"a": 2, "b": 2})
        assert tally.dropped == {"enough of the community": 6}

    @pytest.mark.parametrize("ending", [".jsonl", ".parquet"])
    def test_a_build_that_breaks_leaves_the_old_file(self, ending: str, tmp_path: Path) -> None:
        out = tmp_path / f"out{ending}"
        out.write_text("old")
        path = write_jsonl(tmp_path / "in" / "a.jsonl", list(self.ROWS))
        path.write_text(path.read_text() + "{broken\n")
        with pytest.raises(ModPluralError, match=r"a\.jsonl:11:2: malformed JSON"):
            build(BUILDERS["files"], CorpusRequest(path=str(path)), out)
        assert out.read_text() == "old"
        assert sorted(file.name for file in tmp_path.iterdir()) == ["in", out.name]

    def test_an_ending_that_is_unknown(self, tmp_path: Path) -> None:
        with pytest.raises(ModPluralError, match=r"expected an ending of \.jsonl or \.parquet"):
            build(BUILDERS["files"], CorpusRequest(path="x"), tmp_path / "out.csv")

    def test_progress_is_told_at_every_record(self, tmp_path: Path) -> None:
        path = write_jsonl(tmp_path / "in" / "a.jsonl", list(self.ROWS))
        told: list[int] = []
        build(
            BUILDERS["files"],
            CorpusRequest(path=str(path)),
            tmp_path / "x.jsonl",
            report=lambda tally: told.append(tally.read),
        )
        assert told == list(range(1, 11))


class TestCultureBank:
    def test_groups_without_a_place_are_counted_and_named(self, tmp_path: Path) -> None:
        records, tally = made("culturebank", LAYOUTS["culturebank"](tmp_path / "in"))
        assert [record["community"] for record in records] == ["africa", "europe"]
        assert tally.dropped == {"no continent known": 3, "no behaviour": 1}
        assert tally.details == {"no continent known": {"Latin American": 2, "Moon people": 1}}

    def test_the_row_is_in_the_text_and_its_gaps_are_not(self, tmp_path: Path) -> None:
        (first, second), _ = made("culturebank", LAYOUTS["culturebank"](tmp_path / "in"))
        assert "greetings" in first["prompt"]
        assert "I mean: at a feast." in first["prompt"]
        assert "(Nigerians), guests greet elders first." in first["comment"]
        assert first["comment"].endswith("Most of us would say so.")  # agreement .9
        assert "On their side, hosts do the same. The point of it: a clean floor." in second["comment"]
        assert "Nigerian" not in first["prompt"]  # the same question for all cultures
        assert first["licence"] == "MIT"

    @pytest.mark.parametrize(
        ("share", "told"), [(0.8, "Most"), (0.79, "Many"), (0.5, "Many"), (0.2, "Not all"), ("?", "float.")]
    )
    def test_agreement(self, share: object, told: str, tmp_path: Path) -> None:
        path = write_jsonl(tmp_path / "in" / "a.jsonl", [culture_row("Kenyan", "float", agreement=share)])
        assert told in made("culturebank", path)[0][0]["comment"]

    def test_by_group(self, tmp_path: Path) -> None:
        _, tally = made("culturebank", LAYOUTS["culturebank"](tmp_path / "in"), by="group")
        assert tally.communities == {"latin_american": 2, "nigerians": 1, "swedish": 1, "moon_people": 1}


class TestPolitics:
    def test_a_file_for_each_leaning(self, tmp_path: Path) -> None:
        records, tally = made("politics", LAYOUTS["politics"](tmp_path / "in"))
        assert tally.communities == {"center": 2, "left": 2, "right": 2}
        assert records[0] == {
            "community": "center",
            "source": "News and Reddit by leaning",
            "licence": "",  # nothing is claimed of files that the user has
            "prompt": "",
            "comment": f"center 0\n\n{ARTICLE} Part 0 center.",
        }

    @pytest.mark.parametrize(
        ("place", "row", "community"),
        [
            ("news/left/a.jsonl", {}, "news_left"),
            ("x/reddit_right.jsonl", {"body": ARTICLE}, "reddit_right"),
            ("right/news_left.jsonl", {}, "news_left"),  # the file's name goes before the folder's
            ("left_right.jsonl", {"source": "nyt"}, "news_left"),
            ("all.jsonl", {"source": "Fox"}, "news_right"),
            ("all.jsonl", {"bias": "Center"}, "news_center"),
            ("left.jsonl", {"leaning": "lean right"}, "news_right"),  # the row goes before the name
            ("left.jsonl", {"bias": 2}, "news_left"),  # numbers are not read
            ("center.jsonl", {"subreddit": "r", "title": "Why", "selftext": ARTICLE}, "reddit_center"),
        ],
    )
    def test_where_the_leaning_is_told(self, place: str, row: dict, community: str, tmp_path: Path) -> None:
        write_jsonl(tmp_path / "in" / place, [{"text": ARTICLE, **row} if "body" not in row else row])
        assert made("politics", tmp_path / "in", by="medium")[1].communities == {community: 1}

    def test_what_cannot_be_used_is_counted(self, tmp_path: Path) -> None:
        rows = [{"body": "[deleted]"}, {"body": ""}, {"body": ARTICLE}, {"body": "short"}]
        write_jsonl(tmp_path / "in" / "reddit_left.jsonl", rows)
        write_jsonl(tmp_path / "in" / "all.jsonl", [{"text": ARTICLE, "source": "the gazette"}])
        _, tally = made("politics", tmp_path / "in")
        assert tally.dropped == {"deleted or empty": 2, "too short": 1, "no leaning known": 1}
        assert tally.details == {"no leaning known": {"the gazette": 1}}

    def test_text_of_another_kind(self, tmp_path: Path) -> None:
        path = write_jsonl(tmp_path / "in" / "left.jsonl", [{"text": 3}])
        with pytest.raises(ModPluralError, match=r"left\.jsonl:1: found int for the text"):
            made("politics", path)


class TestSurvey:
    def test_answers_are_in_proportion_and_no_opinion_is_left_out(self, tmp_path: Path) -> None:
        records, tally = made("survey", LAYOUTS["survey"](tmp_path / "in"), answers=8)
        assert tally.communities == {"polparty_democrat": 8, "polparty_republican": 8}
        told = Counter((record["community"], record["comment"].split()[-1]) for record in records)
        # .6 and .2 of those with an opinion are .75 and .25; of 8 answers 6 and 2
        assert told == {
            ("polparty_democrat", "Yes"): 6,
            ("polparty_democrat", "No"): 2,
            ("polparty_republican", "No"): 8,
        }
        assert "Refused" not in str(records)

    def test_options_stand_in_all_orders_and_on_one_side_of_the_hold_out(self, tmp_path: Path) -> None:
        records, _ = made("survey", LAYOUTS["survey"](tmp_path / "in"), answers=24)
        prompts = {record["prompt"] for record in records}
        assert prompts == {"Should the bus be free?\n\n- Yes\n- No", "Should the bus be free?\n\n- No\n- Yes"}
        assert len({is_held_out(record, 0.5, 3) for record in records}) == 1

    def test_the_mean_of_many_draws_is_the_share(self) -> None:
        # share .25 of 2 answers: .5 expected, so one answer in half of the draws; 400 draws, standard deviation 10
        options, shares = ["Yes", "No"], [0.25, 0.75]
        chosen = [
            sum("Yes" in comment for _, comment in as_comments("?", options, shares, 2, random.Random(seed)))
            for seed in range(400)
        ]
        assert set(chosen) == {0, 1}
        assert 160 < sum(chosen) < 240

    @pytest.mark.parametrize("n_options", [2, 4, 7])
    def test_no_two_answers_are_the_same(self, n_options: int) -> None:
        options = [f"Option {number}" for number in range(n_options)]
        answers = as_comments("?", options, [1.0, *[0.0] * (n_options - 1)], 24, random.Random(0))
        assert len(set(answers)) == 24

    def test_another_seed_draws_others(self, tmp_path: Path) -> None:
        path = LAYOUTS["survey"](tmp_path / "in")
        assert made("survey", path, seed=0)[0] != made("survey", path, seed=1)[0]

    def test_lists_as_text_and_items_of_this_project(self, tmp_path: Path) -> None:
        rows = [
            {"question": "A?", "options": "['Yes', 'No']", "responses": "[30, 10]", "group": "Kenya"},
            {"question": "B?", "options": ["Yes", "No"], "gold_distribution": [0.5, 0.5], "attribute": "Japan"},
        ]
        path = write_jsonl(tmp_path / "in" / "a.jsonl", rows)
        assert made("survey", path, by="continent", answers=4)[1].communities == {"africa": 4, "asia": 4}

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            ({"responses": [1.0]}, "found 3 options and 1 shares"),
            ({"responses": [-1, 2, 0]}, "expected numbers of at least 0"),
            ({"options": 5}, "field 'options': found int, expected a list"),
        ],
    )
    def test_a_row_that_does_not_fit(self, change: dict, told: str, tmp_path: Path) -> None:
        path = write_jsonl(tmp_path / "in" / "a.jsonl", [SURVEY[0] | change])
        with pytest.raises(ModPluralError) as caught:
            made("survey", path)
        assert f"a.jsonl:1: {told}" in str(caught.value) or f"{told}" in str(caught.value)
        assert "a.jsonl:1" in str(caught.value)


class TestCommunityAlignment:
    def test_preferred_answers_and_feedback(self, tmp_path: Path) -> None:
        path = LAYOUTS["community_alignment"](tmp_path / "in")
        records, tally = made("community_alignment", path)
        assert [(record["community"], record["comment"]) for record in records] == [
            ("united_states", "Answer b for United States."),
            ("united_states", "What matters to me in an answer: It is short."),
            ("india", "Answer b for India."),
            ("france", "Answer b for France."),
            ("france", "Ce qui compte pour moi dans une réponse : Elle est claire."),
        ]
        assert tally.details == {"no country known": {"(not stated)": 1}}
        assert len({is_held_out(record, 0.5, 0) for record in records}) == 1  # one question, one side
        assert len(made("community_alignment", path, texts="preferred")[0]) == 3
        only, tally = made("community_alignment", path, texts="feedback")
        assert (len(only), tally.dropped["no comment"]) == (2, 1)

    @pytest.mark.parametrize(
        ("by", "communities"),
        [
            ("continent", {"north_america": 2, "asia": 1, "europe": 2}),
            ("language", {"en": 3, "hi": 1, "fr": 2}),
            ("political", {"moderate": 6}),
        ],
    )
    def test_groupings(self, by: str, communities: dict, tmp_path: Path) -> None:
        assert (
            made("community_alignment", LAYOUTS["community_alignment"](tmp_path / "in"), by=by)[1].communities
            == communities
        )

    def test_an_answer_that_there_is_not(self, tmp_path: Path) -> None:
        rows = [*ALIGNMENT, alignment_row("Italy", "it", first_turn_preferred_response="response_e")]
        path = write_jsonl(tmp_path / "in" / "a.jsonl", rows)
        with pytest.raises(
            ModPluralError, match=r"a\.jsonl:5: column 'first_turn_preferred_response': found 'response_e'"
        ):
            made("community_alignment", path)


class TestPrism:
    def test_chosen_answers_and_feedback_with_their_licences(self, tmp_path: Path) -> None:
        path = LAYOUTS["prism"](tmp_path / "in")
        records, tally = made("prism", path)
        assert [(record["community"], record["comment"], record["licence"]) for record in records] == [
            ("great_britain", "Sometimes, u1.", "CC-BY-NC-4.0"),
            ("great_britain", "What matters to me in an answer: It was honest with me.", "CC-BY-4.0"),
        ]
        assert tally.details == {"no country known": {"Prefer not to say": 1}}
        assert made("prism", path, by="birth_country")[1].communities == {"kenya": 2, "chile": 1}
        assert made("prism", path, by="continent")[1].communities == {"europe": 2}

    def test_the_best_rated_answer_where_none_is_marked(self, tmp_path: Path) -> None:
        path = LAYOUTS["prism"](tmp_path / "in")
        turns = [{**turn, "if_chosen": None} for turn in CONVERSATIONS[0]["conversation_history"]]
        write_jsonl(path / "conversations.jsonl", [{**CONVERSATIONS[0], "conversation_history": turns}])
        assert made("prism", path, texts="preferred")[0][0]["comment"] == "Sometimes, u1."

    def test_a_person_without_a_survey(self, tmp_path: Path) -> None:
        path = LAYOUTS["prism"](tmp_path / "in")
        write_jsonl(path / "conversations.jsonl", [{**CONVERSATIONS[0], "user_id": "u9"}])
        with pytest.raises(ModPluralError, match=r"conversations\.jsonl:1: user_id 'u9' is not in the survey"):
            made("prism", path)


class TestFiles:
    def test_columns_community_and_licence(self, tmp_path: Path) -> None:
        path = write_jsonl(tmp_path / "in" / "a.jsonl", [{"body": "some text"}])
        fields = {"columns": {"comment": "body"}, "community": "mine", "source": "blog", "licence": "CC0"}
        assert made("files", path, **fields)[0] == [
            {"community": "mine", "source": "blog", "licence": "CC0", "prompt": "", "comment": "some text"}
        ]

    def test_places_become_communities(self, tmp_path: Path) -> None:
        path = write_jsonl(tmp_path / "in" / "a.jsonl", [{"community": "Danish", "text": "some text"}])
        assert made("files", path, by="continent")[0][0]["community"] == "europe"

    def test_rows_without_a_community_are_counted(self, tmp_path: Path) -> None:
        path = write_jsonl(tmp_path / "in" / "a.jsonl", [{"text": "some text"}])
        with pytest.raises(ModPluralError, match="none of 1 rows is left. Dropped: no community 1"):  # noqa: RUF043
            made("files", path)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("South America", "south_america"),
        ("Côte d'Ivoire", "cote_d_ivoire"),
        ("  ", ""),
        ("POLPARTY Democrat", "polparty_democrat"),
    ],
)
def test_names_of_communities(text: str, name: str) -> None:
    assert community_name(text) == name
