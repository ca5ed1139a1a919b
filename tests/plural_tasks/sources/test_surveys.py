"""The embedded survey benchmark: how its file is read, what the committed file must hold, and how it was counted."""

import hashlib
import json
import math
import re
from collections import Counter, defaultdict
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plural_tasks.docs import to_doc
from plural_tasks.schema import DistributionalItem, SteerableItem
from plural_tasks.sources import Source, locate, read_items
from plural_tasks.sources.surveys import SOURCES, SurveyQuestion, read_surveys
from plural_tasks.utils.errors import ModPluralError

STEERABLE, DISTRIBUTIONAL = SOURCES
FILE = locate(STEERABLE)
SURVEYS = read_surveys(FILE)
QUESTIONS = {question.id: question for question in SURVEYS.questions}
GROUPS = [(question, cell) for question in SURVEYS.questions for cell in question.groups]
CELLS = [*GROUPS, *((question, cell) for question in SURVEYS.questions for cell in question.populations)]

SMALL: dict[str, Any] = {
    "package": "none 1.0",
    "microdata": {"made/up": "00"},
    "studies": {
        "one": {
            "title": "Study One",
            "producer": "Us",
            "citation": "Us",
            "homepage": "https://example.org",
            "weighting": "None.",
            "known_issues": [],
        }
    },
    "questions": [
        {
            "id": "q1",
            "study": "one",
            "split": "train",
            "family": "q1",
            "microdata": ["made/up"],
            "variable": "v",
            "wording": "ours",
            "note": "",
            "text": "Is the well deep?",
            "options": ["Yes", "No", "Don't know"],
            "ordinal": False,
            "dont_know": [2],
            "populations": [
                {
                    "id": "all",
                    "attribute": "people in Northland (1999)",
                    "stratum": "Europe",
                    "n": 100,
                    "n_eff": 64.0,
                    "shares": [0.5, 0.3, 0.2],
                    # sqrt(.5 x .5 / 64) = .0625, sqrt(.21 / 64) = .057282, sqrt(.16 / 64) = .05
                    "standard_errors": [0.0625, 0.057282, 0.05],
                }
            ],
            "groups": [
                {
                    "id": "sex-female",
                    "attribute": "sex: female (Northland, 1999)",
                    "category": "sex",
                    "steerable": True,
                    "n": 80,
                    "n_eff": 80.0,
                    "shares": [0.45, 0.45, 0.1],
                    "standard_errors": [0.055621, 0.055621, 0.033541],
                },
                {
                    "id": "sex-male",
                    "attribute": "sex: male (Northland, 1999)",
                    "category": "sex",
                    "steerable": False,
                    "n": 80,
                    "n_eff": 80.0,
                    "shares": [0.5, 0.4, 0.1],
                    "standard_errors": [0.055902, 0.054772, 0.033541],
                },
            ],
        }
    ],
}


@pytest.fixture
def small(tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """A file of one question, and its content to change."""
    path = tmp_path / "surveys.json"
    content = json.loads(json.dumps(SMALL))
    path.write_text(json.dumps(content), encoding="utf-8")
    return path, content


class TestReading:
    def test_a_population_becomes_a_distributional_item(self, small) -> None:
        assert read_items(DISTRIBUTIONAL, small[0]) == [
            DistributionalItem(
                id="q1-all",
                question="Is the well deep?",
                cluster="q1",
                split="train",
                study="Study One",
                options=("Yes", "No", "Don't know"),
                dont_know=(2,),
                sample_size=100,
                standard_errors=(0.0625, 0.057282, 0.05),
                attribute="people in Northland (1999)",
                gold_distribution=(0.5, 0.3, 0.2),
                stratum="Europe",
            )
        ]

    def test_a_steerable_group_becomes_a_steerable_item_whose_gold_may_be_tied(self, small) -> None:
        assert read_items(STEERABLE, small[0]) == [
            SteerableItem(
                id="q1-sex-female",
                question="Is the well deep?",
                cluster="q1",
                split="train",
                study="Study One",
                options=("Yes", "No", "Don't know"),
                dont_know=(2,),
                sample_size=80,
                standard_errors=(0.055621, 0.055621, 0.033541),
                attribute="sex: female (Northland, 1999)",
                category="sex",
                gold=(0, 1),
                gold_distribution=(0.45, 0.45, 0.1),
            )
        ]

    @pytest.mark.parametrize(("difference", "gold"), [(1e-10, (0, 1)), (1e-6, (1,))])
    def test_shares_tie_only_where_they_are_equal(self, small, difference: float, gold: tuple[int, ...]) -> None:
        path, content = small
        content["questions"][0]["groups"][0]["shares"] = [0.45, 0.45 + difference, 0.1 - difference]
        path.write_text(json.dumps(content))

        assert read_items(STEERABLE, path)[0].gold == gold

    def test_a_misspelt_field_is_refused(self, small) -> None:
        path, content = small
        content["questions"][0]["groups"][0]["steerabel"] = True
        path.write_text(json.dumps(content))

        with pytest.raises(ModPluralError, match=r"surveys\.json: unknown field 'questions\.0\.groups\.0\.steerabel'"):
            read_items(STEERABLE, path)

    def test_a_share_short_is_refused(self, small) -> None:
        path, content = small
        content["questions"][0]["populations"][0]["shares"] = [0.5, 0.5]
        path.write_text(json.dumps(content))

        with pytest.raises(ModPluralError, match="gold_distribution has 2 shares for 3 options"):
            read_items(DISTRIBUTIONAL, path)

    def test_an_unknown_study_is_refused(self, small) -> None:
        path, content = small
        content["questions"][0]["study"] = "two"
        path.write_text(json.dumps(content))

        with pytest.raises(ModPluralError, match=r"question 'q1': unknown study 'two'"):
            read_items(DISTRIBUTIONAL, path)


def copied(known: SurveyQuestion, asked: SurveyQuestion) -> tuple[float, float, float] | None:
    """How far the groups' answers to one question tell those to another.

    Returns:
        The correlation of the groups' shares, each less its question's mean; how often the most frequent answer is the
        same; how often the best single answer to ``asked`` is right. None with fewer than eight groups in common.
    """
    shares = [{cell.id: cell.shares for cell in question.groups} for question in (known, asked)]
    common = [name for name in shares[0] if name in shares[1]]
    if len(common) < 8 or len(known.options) != len(asked.options):
        return None
    a, b = (np.array([of[name] for name in common]) for of in shares)
    tops = a.argmax(1), b.argmax(1)
    correlation = float(np.corrcoef((a - a.mean(0)).ravel(), (b - b.mean(0)).ravel())[0, 1])
    return correlation, float((tops[0] == tops[1]).mean()), float(np.bincount(tops[1]).max() / len(common))


class TestCommittedFile:
    def test_sizes(self) -> None:
        for source, train, test, questions in ((STEERABLE, 216, 259, 20), (DISTRIBUTIONAL, 178, 171, 76)):
            items = read_items(source, locate(source))

            assert Counter(item.split for item in items) == {"train": train, "test": test}
            assert len({item.cluster for item in items}) == questions

    def test_cells_are_large_enough(self) -> None:
        assert min(min(cell.n, cell.n_eff) for _, cell in CELLS) >= 50
        assert all(cell.n_eff <= cell.n for _, cell in CELLS)

    def test_shares_are_of_whole_people_where_no_weight_is_used(self) -> None:
        """A share times n is a count; n people are counted in all. Weighted: Norway and CES 2011; two polls differ."""
        unweighted = [(question, cell) for question, cell in CELLS if cell.n_eff == cell.n]

        assert {question.id for question, cell in CELLS if cell.n_eff != cell.n} == {
            *("ess-imbgeco", "ess-imueclt", "ess-imwbcnt", "ess-euvote"),
            *("ces2011-abortion", "pew2017-regulation", "pew2018-influence"),
        }
        for _, cell in unweighted:
            counts = [share * cell.n for share in cell.shares]
            # Rounding a share to 1e-6 moves the count by up to n x 5e-7, which is 0.02 for the largest group.
            assert all(abs(count - round(count)) < 0.03 for count in counts)
            assert sum(round(count) for count in counts) == cell.n

    def test_shares_sum_to_one_and_have_their_standard_error(self) -> None:
        for question, cell in CELLS:
            assert len(cell.shares) == len(question.options)
            assert sum(cell.shares) == pytest.approx(1, abs=5.01e-7 * len(cell.shares))
            expected = [math.sqrt(share * (1 - share) / cell.n_eff) for share in cell.shares]
            # n_eff is rounded to a tenth, of at least 50: a part in 2,000 of the standard error.
            assert list(cell.standard_errors) == pytest.approx(expected, rel=1e-3, abs=2e-5)

    def test_split_is_by_question_and_by_family(self) -> None:
        of_family = defaultdict(set)
        for question in SURVEYS.questions:
            of_family[question.family].add(question.split)
            # The rule, written anew: the first byte of a SHA-256 is odd.
            digest = hashlib.sha256(f"4626:{question.family}".encode()).digest()
            assert question.split == ("train" if digest[0] % 2 == 1 else "test")
        assert all(len(splits) == 1 for splits in of_family.values())

        clusters = {
            split: {
                (item.cluster, item.question)
                for source in SOURCES
                for item in read_items(source, FILE)
                if item.split == split
            }
            for split in ("train", "test")
        }
        assert not {cluster for cluster, _ in clusters["train"]} & {cluster for cluster, _ in clusters["test"]}
        assert not {text for _, text in clusters["train"]} & {text for _, text in clusters["test"]}

    def test_batteries_are_one_family(self) -> None:
        sizes = Counter(question.family for question in SURVEYS.questions)
        assert {name: n for name, n in sizes.items() if n > 1} == {
            "abortion": 17,
            "political-trust": 4,
            "immigration-consequences": 3,
            "offshore-drilling": 2,
        }
        assert {q.id for q in SURVEYS.questions if "abort" in q.text.lower()} == {
            q.id for q in SURVEYS.questions if q.family == "abortion"
        }

    def test_no_train_question_gives_a_test_question_away(self) -> None:
        train = [question for question in SURVEYS.questions if question.split == "train"]
        test = [question for question in SURVEYS.questions if question.split == "test"]
        compared = 0
        for known, asked in product(train, test):
            found = copied(known, asked)
            if found is None:
                continue
            compared += 1
            correlation, hits, constant = found
            assert correlation < 0.93, (known.id, asked.id)
            assert hits <= constant + 0.05, (known.id, asked.id)
        assert compared > 20
        # What the test is for: these two were once on different sides.
        correlation, hits, constant = copied(QUESTIONS["gss-abany"], QUESTIONS["gss-abnomore"])
        assert correlation > 0.98
        assert hits > constant + 0.05

    def test_studies_with_several_families_have_both_sides(self) -> None:
        of_study = defaultdict(dict)
        for question in SURVEYS.questions:
            of_study[question.study][question.family] = question.split
        assert sum(len(families) > 1 for families in of_study.values()) == 8
        assert all(set(families.values()) == {"train", "test"} for families in of_study.values() if len(families) > 1)

    def test_the_split_does_not_move(self) -> None:
        splits = [
            QUESTIONS[name].split for name in ("wvs-e143", "wvs-f117", "gss-abany", "gss2018-natenvir", "ess-euvote")
        ]

        assert splits == ["test", "train", "train", "test", "train"]

    def test_options_are_answers(self) -> None:
        for question in SURVEYS.questions:
            folded = [option.casefold() for option in question.options]
            assert len(set(folded)) == len(folded) >= 2
            assert not {"na", "nan", "none", "missing", "iap", "refused", "other"} & set(folded)

    def test_options_that_state_no_opinion_are_marked(self) -> None:
        names = re.compile(r"don't know|do not know|not sure|undecided", re.IGNORECASE)
        for question in SURVEYS.questions:
            found = tuple(index for index, option in enumerate(question.options) if names.search(option))
            assert question.dont_know == found

    def test_every_question_has_its_own_text_and_its_microdata(self) -> None:
        assert len({(question.text, question.options) for question in SURVEYS.questions}) == len(SURVEYS.questions)
        assert {name for question in SURVEYS.questions for name in question.microdata} == set(SURVEYS.microdata)
        assert {question.study for question in SURVEYS.questions} == set(SURVEYS.studies)

    def test_ids_are_readable_and_attributes_name_place_and_time(self) -> None:
        for source in SOURCES:
            for item in read_items(source, FILE):
                assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", item.id)
                assert item.id.startswith(item.cluster + "-")
                assert re.search(r"\b(19|20)\d\d\)$", item.attribute)
        assert "wvs-e143-sweden-2006" in {item.id for item in read_items(DISTRIBUTIONAL, FILE)}
        assert "gss-abany-party-republican-2010-2018" in {item.id for item in read_items(STEERABLE, FILE)}

    def test_an_attribute_occurs_once_in_a_question(self) -> None:
        for source in SOURCES:
            seen = Counter((item.cluster, item.attribute) for item in read_items(source, FILE))
            assert max(seen.values()) == 1

    def test_steerable_groups_are_certain_of_their_answer(self) -> None:
        for _, cell in GROUPS:
            first, second = sorted(cell.shares)[:-3:-1]
            # Multinomial: var(p1 - p2) = (p1 + p2 - (p1 - p2)^2) / n
            error = math.sqrt((first + second - (first - second) ** 2) / cell.n_eff)
            assert not cell.steerable or (first - second) / error > 1.64

    def test_steerable_sets_disagree(self) -> None:
        """A quarter of each set's groups depart from its most frequent answer; a set is of one place and time."""
        sets = defaultdict(Counter)
        for question, cell in GROUPS:
            if cell.steerable:
                where = cell.attribute[cell.attribute.rindex("(") :] if cell.category != "country" else ""
                sets[question.id, cell.category, where][cell.shares.index(max(cell.shares))] += 1
        assert len(sets) > 60
        assert all(max(modes.values()) <= 0.75 * modes.total() for modes in sets.values())

    def test_documents_keep_what_reports_need(self) -> None:
        doc = to_doc(next(item for item in read_items(DISTRIBUTIONAL, FILE) if item.id == "ess-euvote-norway-2021"))

        assert doc["dont_know"] == [4]
        assert doc["sample_size"] == 1386
        assert doc["study"] == "European Social Survey"
        assert len(doc["standard_errors"]) == 5


def share(question: str, cell_id: str, option: int) -> float:
    found = QUESTIONS[question]
    return next(cell for cell in (*found.populations, *found.groups) if cell.id == cell_id).shares[option]


class TestKnownFacts:
    """What a reversed coding, or levels in a wrong order, would turn round."""

    def test_democrats_would_spend_more_on_the_environment(self) -> None:
        assert QUESTIONS["gss2018-natenvir"].options[0] == "Too little"
        assert share("gss2018-natenvir", "party-democrat", 0) > 0.8
        assert share("gss2018-natenvir", "party-republican", 0) < 0.5

    def test_republicans_would_spend_more_on_defense(self) -> None:
        assert share("gss2018-natarms", "party-republican", 0) > 2 * share("gss2018-natarms", "party-democrat", 0)

    def test_a_share_counted_in_the_microdata(self) -> None:
        """gss_spending, polviews 1 to 3, natarms: 111 too little, 225 about right, 302 too much."""
        cell = next(cell for cell in QUESTIONS["gss2018-natarms"].groups if cell.id == "ideology-liberal")

        assert [round(value * cell.n) for value in cell.shares] == [111, 225, 302]
        assert cell.shares[2] == pytest.approx(302 / 638, abs=1e-6)
        assert cell.standard_errors[2] == pytest.approx(0.019767, abs=1e-6)  # sqrt(.473354 x .526646 / 638)

    def test_published_counts(self) -> None:
        """GSS codebook, abhlth 2010 to 2018: yes 1066 + 1083 + 1452 + 1610 + 1366, no 158 + 146 + 195 + 202 + 151."""
        cell = next(cell for cell in QUESTIONS["gss-abhlth"].populations if cell.id == "2010-2018")

        assert cell.n == 6577 + 852
        assert round(cell.shares[0] * cell.n) == 6577

    def test_religious_people_say_no_to_abortion(self) -> None:
        never = share("gss-abany", "religion-never-2010-2018", 0)
        assert never - share("gss-abany", "religion-every-week-or-more-often-2010-2018", 0) > 0.2

    def test_trust_goes_with_the_party_in_power(self) -> None:
        most = QUESTIONS["anes-trust"].options.index("Most of the time")
        assert share("anes-trust", "party-republican-2004", most) > share("anes-trust", "party-democrat-2004", most)
        assert share("anes-trust", "party-republican-1996", most) < share("anes-trust", "party-democrat-1996", most)

    def test_vietnam_is_open_to_migrants_and_malaysia_is_not(self) -> None:
        assert QUESTIONS["wvs-e143"].options[0].startswith("Let anyone")
        assert share("wvs-e143", "vietnam-2006", 0) > 0.4
        assert share("wvs-e143", "malaysia-2006", 0) < 0.05


class TestReadme:
    README = FILE.with_name("README.md").read_text(encoding="utf-8")

    def test_its_table_has_the_counts_of_the_file(self) -> None:
        rows = {cells[0]: cells[1:] for line in self.README.splitlines() if len(cells := split_row(line)) == 6}

        for key, study in SURVEYS.studies.items():
            assert rows[study.title] == counts([q for q in SURVEYS.questions if q.study == key])
        assert rows["**all**"] == counts(SURVEYS.questions)

    @pytest.mark.parametrize("split", ["train", "test"])
    def test_its_score_without_the_attribute(self, split: str) -> None:
        modes = defaultdict(Counter)
        items = [item for item in read_items(STEERABLE, FILE) if item.split == split]
        for item in items:
            modes[item.cluster][item.gold[0]] += 1
        score = sum(max(counter.values()) for counter in modes.values()) / len(items)

        assert f"{score:.2f} on {split}" in self.README


def split_row(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []


def counts(questions: list[SurveyQuestion]) -> list[str]:
    def sides(sizes: dict[str, int]) -> str:
        train = sum(size for name, size in sizes.items() if QUESTIONS[name].split == "train")
        return f"({train} / {sum(sizes.values()) - train})"

    populations = {question.id: len(question.populations) for question in questions}
    steerable = {question.id: sum(cell.steerable for cell in question.groups) for question in questions}
    sizes = [cell.n for question in questions for cell in (*question.populations, *question.groups)]
    return [
        f"{len(questions)} {sides(dict.fromkeys(populations, 1))}",
        f"{sum(populations.values())} {sides(populations)}",
        str(sum(len(question.groups) for question in questions)),
        f"{sum(steerable.values())} {sides(steerable)}",
        str(min(sizes)),
    ]


class TestBuild:
    """The parts of ``tools/build_surveys`` that need no microdata."""

    def test_weighted_shares(self) -> None:
        import pandas as pd

        from tools.build_surveys.shares import shares_of

        answers = pd.Series(["a", "b", "a", None, "refused"])
        found = shares_of(answers, ["a", "b"], pd.Series([1.0, 2.0, 3.0, 50.0, 50.0]))

        # The answers that count weigh 1, 2 and 3: a has 4 of 6; n_eff = 6^2 / (1 + 4 + 9) = 36 / 14.
        assert found.n == 3
        assert found.n_eff == pytest.approx(36 / 14)
        assert found.shares == pytest.approx((4 / 6, 2 / 6))
        assert found.standard_errors == pytest.approx([math.sqrt(2 / 9 * 14 / 36)] * 2)

    def test_unweighted_shares(self) -> None:
        import pandas as pd

        from tools.build_surveys.shares import shares_of

        found = shares_of(pd.Series([1.0, 0.0, 1.0, float("nan")]), [0, 1])

        assert (found.n, found.n_eff, found.shares) == (3, 3.0, (1 / 3, 2 / 3))

    def test_the_lead_of_an_answer(self) -> None:
        from tools.build_surveys.shares import shares_of_counts
        from tools.build_surveys.steerable import lead

        # p = .6 and .3: var = (.9 - .09) / 100 = .0081, so .3 / .09 = 3.333
        assert lead(shares_of_counts([30, 60, 10])) == pytest.approx(10 / 3)
        assert lead(shares_of_counts([50, 50])) == 0
        assert lead(shares_of_counts([70, 0])) == math.inf

    @pytest.mark.parametrize(("counts", "chosen"), [([80, 80, 80, 20], 4), ([80] * 7 + [20] * 2, 0), ([80, 50, 20], 2)])
    def test_a_set_needs_a_quarter_of_dissent(self, counts: list[int], chosen: int) -> None:
        """Shares of the first of two options: 3 to 1 is a quarter, 7 to 2 is not, and 50 to 50 is no answer."""
        from tools.build_surveys.model import Cell
        from tools.build_surveys.model import Question as Made
        from tools.build_surveys.shares import shares_of_counts
        from tools.build_surveys.steerable import steerable

        question = Made(
            id="q", study="s", data=("a/b",), variable="v", text="?", wording="ours", answers={1: "Yes", 0: "No"}
        )
        for number, count in enumerate(counts):
            shares = shares_of_counts([count, 100 - count])
            question.groups.append(Cell(id=str(number), attribute="a", category="c", where="w", shares=shares))

        assert len(steerable(question)) == chosen


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_the_first_few_test_items_are_of_different_questions(source: Source) -> None:
    first = [item.cluster for item in read_items(source, locate(source)) if item.split == "test"][:8]
    assert len(set(first)) == 8
