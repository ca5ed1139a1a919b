"""The reader's examples: every target is what its prompt asks for, and nothing where the prompt tells nothing."""

import random
import re
from collections import Counter
from math import sqrt
from statistics import NormalDist

import pytest
import yaml
from jinja2 import Environment

from plural_tasks.checked import read_yaml
from plural_tasks.schema import LABELS
from tests.tools.train_embedded.conftest import Records
from tests.tools.train_embedded.made import candidates, stated
from tools.train_embedded.__main__ import RECIPE
from tools.train_embedded.pools import ROOT, groups, train_questions, voices
from tools.train_embedded.reader import KINDS, MAKERS, _worded, all_themes, context

THEMES = all_themes()
DESCRIBED = {voice.description: voice.name for voice in voices()}
CLOSED = re.compile(r"Question: (?P<question>[^\n]*)\n(?P<options>(?:[A-Z]\. [^\n]*\n)+)Answer:$")
MESSAGE = re.compile(
    r"(?:A comment that comes close to it|One of them said|A comment that may help):\n(?P<message>[^\n]*)\n\nQuestion: "
)
SIDE = {reason: (theme, side) for theme in THEMES for side in ("plus", "minus") for reason in getattr(theme, side)}


def examples(kind: str, count: int, seed: int = 7) -> list[tuple[str, str]]:
    rng = random.Random(seed)
    return [MAKERS[kind](THEMES, rng) for _ in range(count)]


def asked(prompt: str) -> tuple[str, list[str]]:
    """Question and options of the task's prompt at the end."""
    found = CLOSED.search(prompt)
    assert found is not None, prompt
    lines = found["options"].splitlines()
    assert [line[:3] for line in lines] == [f"{label}. " for label in LABELS[: len(lines)]]
    return found["question"], [line[3:] for line in lines]


def message(prompt: str) -> str:
    found = MESSAGE.search(prompt)
    assert found is not None, prompt
    return found["message"]


def test_kinds_have_their_shares(records: Records) -> None:
    assert sum(KINDS.values()) == pytest.approx(1.0)
    assert set(KINDS) == set(MAKERS)
    # Synthesis in texts of its own; select and route in numbers, 0.38 + 0.08; all others in letters, 0.51.
    count = read_yaml(RECIPE)["reader_examples"]
    lengths = Counter(
        "letter" if record["comment"] in LABELS else "number" if record["comment"].isdigit() else "text"
        for record in records["reader"]
    )
    assert lengths == {"letter": round(0.51 * count), "number": round(0.46 * count), "text": round(0.03 * count)}


def test_the_readme_states_the_shares() -> None:
    readme = (RECIPE.parent / "README.md").read_text(encoding="utf-8")
    assert [kind for kind, share in KINDS.items() if f"| {kind} | {share:.2f} |" not in readme] == []


def test_the_context_is_the_tasks_own_prompt() -> None:
    options = ["Yes", "No", "Both"]
    for path in ("distributional/_template", "steerable/_scored"):
        # The template includes plural_tasks functions by tags of the harness.
        text = (ROOT / "task_configs" / path).read_text(encoding="utf-8")
        (line,) = re.findall(r"^doc_to_text: (.*)$", text, flags=re.MULTILINE)
        template = Environment().from_string(yaml.safe_load(line))
        made = template.render(question="Is it deep?", options=options, labels=list(LABELS[:3]))
        assert context("Is it deep?", options) == made


def test_in_short_passages_the_letter_is_that_of_the_answer_stated(records: Records) -> None:
    places = Counter()
    for record in records["brief"]:
        options = asked(record["prompt"])[1]
        found = stated(message(record["prompt"]), options)
        assert options[LABELS.index(record["comment"])] == found, record["prompt"]
        places[len(options), record["comment"]] += 1
    # Every letter of every shorter list is asked for.
    assert all(places[count, label] for count in (2, 3, 4, 5) for label in LABELS[:count])


def test_the_letter_is_what_another_of_the_group_answered() -> None:
    same, two, cut, open_ended, places = 0, 0, 0, 0, Counter()
    for prompt, target in examples("stated", 4000):
        options = asked(prompt)[1]
        said = message(prompt)
        found = candidates(said, options)
        assert found, prompt
        open_ended += len(found) > 1
        cut += said[-1] not in ".?!"
        places[len(options), target] += 1
        if len(options) == 2 and len(found) == 1:
            two += 1
            same += options[LABELS.index(target)] == found[0]
    # Two options part at 0. Of a group with mean m, a share p = Phi(m / 0.9) stands above, and two of its people are
    # on one side with probability p^2 + (1 - p)^2; over means drawn evenly from -2 to 2 that is 0.75.
    above = [NormalDist(0.0, 0.9).cdf(-2.0 + 4.0 * (step + 0.5) / 1000) for step in range(1000)]
    expected = sum(p * p + (1 - p) * (1 - p) for p in above) / 1000
    assert expected == pytest.approx(0.7502, abs=0.001)
    assert two > 1000
    assert abs(same / two - expected) <= 4 * sqrt(expected * (1 - expected) / two)
    assert all(places[count, label] for count in (2, 3, 4, 5) for label in LABELS[:count])
    assert cut > 130
    # Cut before the options part ("The surest way to keep the peace is"): one in a hundred at most.
    assert open_ended <= 40


def test_where_a_reason_is_told_the_letter_is_that_of_its_side() -> None:
    seen = Counter()
    for prompt, target in examples("reasoned", 400):
        question, options = asked(prompt)
        theme, side = SIDE[message(prompt)]
        if question == theme.question:
            expected = "Yes" if side == "plus" else "No"
        elif set(options) == {"For", "Against"}:
            expected = "For" if side == "plus" else "Against"
        else:
            expected = theme.statement if side == "plus" else theme.opposite
        assert options[LABELS.index(target)] == expected, prompt
        seen[side] += 1
    # Stances are drawn evenly: 200 +- 4 x 10.
    assert 160 <= seen["plus"] <= 240


@pytest.mark.parametrize("kind", ["nothing", "beside"])
def test_where_nothing_is_told_letters_are_even(kind: str) -> None:
    letters: dict[int, Counter[str]] = {}
    for prompt, target in examples(kind, 4000, seed=8):
        letters.setdefault(len(asked(prompt)[1]), Counter())[target] += 1
    assert {2, 3, 4, 5, 10, 11} == set(letters)
    for count, found in letters.items():
        n = sum(found.values())
        assert set(found) <= set(LABELS[:count])
        for label in LABELS[:count]:
            expected = n / count
            assert abs(found[label] - expected) <= 4 * sqrt(expected * (1 - 1 / count)), (count, label)


def test_prompts_without_a_passage_have_none() -> None:
    prompts = [prompt for prompt, _ in examples("nothing", 300)]
    assert not any(MESSAGE.search(prompt) for prompt in prompts)
    plain = sum(prompt.startswith("Question: ") for prompt in prompts)
    # Two of five: 120 +- 4 x sqrt(300 x 0.24) = 33.9.
    assert 87 <= plain <= 153


def test_a_passage_beside_the_question_holds_words_of_some_theme() -> None:
    reasons = {
        tuple(sorted(reason.split())) for theme in THEMES for reason in (*theme.plus, *theme.minus, *theme.between)
    }
    for prompt, _ in examples("beside", 300):
        assert tuple(sorted(message(prompt).split())) in reasons


ATTRIBUTE = {
    "select": re.compile(r"^Which comment comes closest to this point of view: (.*)\?$", re.MULTILINE),
    "route": re.compile(r"^The answer is to be given for: (.*)\.$", re.MULTILINE),
}
NUMBERED = re.compile(r"^(\d+)\. (.*)$", re.MULTILINE)


def people(prompt: str) -> list[tuple[str, str]]:
    """Numbers and descriptions of those who are listed, in a selection after their comments."""
    return NUMBERED.findall(prompt.partition("\nThey come from:\n")[2] or prompt)


@pytest.mark.parametrize("kind", ["select", "route"])
def test_the_number_is_that_of_the_community_that_is_described(kind: str) -> None:
    places, wanted = Counter(), Counter()
    for prompt, target in examples(kind, 600):
        listed = people(prompt)
        names = [DESCRIBED[description] for _, description in listed]
        assert [number for number, _ in listed] == [str(place + 1) for place in range(len(names))]
        assert 3 <= len(set(names)) == len(names)
        (attribute,) = ATTRIBUTE[kind].findall(prompt)
        owner = names[int(target) - 1]
        assert attribute in _worded()[owner]
        assert not any(attribute in words for name, words in _worded().items() if name != owner)
        places[target] += 1
        wanted[owner] += 1
    # Each of the eleven is wanted one time in eleven: 54.5 +- 4 x sqrt(600 x 10/121) = 28.2.
    assert set(wanted) == set(DESCRIBED.values())
    assert all(abs(count - 600 / 11) <= 28.2 for count in wanted.values())
    assert all(places[str(number)] for number in range(1, 6))


def test_lists_are_as_long_as_the_pool_half_of_the_time_and_in_no_order() -> None:
    first, whole = Counter(), 0
    for prompt, _ in examples("select", 600):
        names = [DESCRIBED[description] for _, description in people(prompt)]
        whole += len(names) == len(DESCRIBED)
        first[names[0]] += 1
    # Half of 600: 300 +- 4 x 12.2. The first is any of eleven: 54.5 +- 28.2.
    assert abs(whole - 300) <= 49
    assert all(abs(first[name] - 600 / 11) <= 28.2 for name in DESCRIBED.values())


def test_of_people_listed_shortly_the_number_is_that_of_who_is_wanted(records: Records) -> None:
    sizes, named = Counter(), 0
    for record in records["pick"]:
        prompt = record["prompt"]
        if MESSAGE.search(prompt):  # a short passage
            continue
        kind = "select" if ATTRIBUTE["select"].search(prompt) else "route"
        listed = [described for _, described in people(prompt)]
        (attribute,) = ATTRIBUTE[kind].findall(prompt)
        wanted = listed[int(record["comment"]) - 1]
        assert len(set(listed)) == len(listed)
        sizes[len(listed)] += 1
        if wanted in DESCRIBED:
            assert attribute in _worded()[DESCRIBED[wanted]]
        else:
            place = wanted.removeprefix("people in ")
            assert re.fullmatch(rf"(people in|country:) {re.escape(place)} \(\d{{4}}\)", attribute)
            named += 1
    assert set(sizes) == {3, 4, 5, 6, 11}
    # Two thirds of 1800 are lists: 1200 +- 4 x 20; half of these each: 600 +- 4 x sqrt(1800 x 2/9) = 80.
    assert abs(sum(sizes.values()) - 1200) <= 80
    assert abs(sizes[11] - 600) <= 80
    assert abs(named - 600) <= 80


def test_all_members_of_a_selection_answer_the_same_question() -> None:
    theme_of, seen = {theme.question: theme for theme in THEMES}, 0
    for prompt, _ in examples("select", 300):
        question = prompt.splitlines()[0].removeprefix("Question: ")
        comments = [said for _, said in NUMBERED.findall(prompt.partition("\nThey come from:\n")[0])]
        assert len(comments) >= 3
        if question in theme_of:
            assert theme_of[question].positions
            assert all(len(candidates(comment, ("Yes", "No"))) <= 1 for comment in comments)
            seen += any(candidates(comment, ("Yes", "No")) for comment in comments)  # some are cut before the answer
        elif question.endswith("too little, about right or too much?"):
            spent = ("Too much", "About right", "Too little")
            assert all(len(candidates(comment, spent)) <= 1 for comment in comments)
            seen += any(candidates(comment, spent) for comment in comments)
    assert seen > 30


@pytest.mark.parametrize(
    ("attribute", "owner"),
    [
        ("political party: Republican (United States, 2012)", "conservative"),
        ("political ideology: moderate (United States, 2016)", "moderate"),
        ("political ideology: liberal (United States, 2016)", "liberal"),
        ("race: Black (United States, 2018)", "black_americans"),
        ("activities of a place of worship besides services: never (United States, 1990–1998)", "secular"),
        ("people in China (2013)", "asia"),
        ("country: Algeria (2014)", "africa"),
        ("country: Albania (2002)", "europe"),
        ("country: Argentina (2013)", "latin_america"),
        ("country: Canada (2006)", "north_america"),
    ],
)
def test_whom_an_attribute_describes(attribute: str, owner: str) -> None:
    assert [name for name, words in _worded().items() if attribute in words] == [owner]


def test_attributes_of_two_communities_or_none_are_never_wanted() -> None:
    words = [attribute for attributes in _worded().values() for attribute in attributes]
    assert len(set(words)) == len(words)
    assert set(_worded()) == set(groups())
    train = {cell.attribute for question in train_questions() for cell in (*question.groups, *question.populations)}
    assert {re.sub(r"^country: ", "people in ", attribute) for attribute in words} <= train
    assert "sex: female (United States, 2018)" not in words


def test_a_synthesis_gives_every_comment_its_place() -> None:
    for prompt, target in examples("synthesis", 200):
        comments = re.findall(r"^- (.*)$", prompt, flags=re.MULTILINE)
        assert 3 <= len(comments) <= 6
        rest = target
        for comment in comments:
            lead, _, rest = rest.partition(comment)
            assert lead.strip().endswith(":")
        assert rest == ""
        situation = re.search(r"Situation: (.*)\n", prompt)[1]
        theme = next(theme for theme in THEMES if theme.situation == situation)
        assert set(comments) <= {*theme.plus, *theme.minus, *theme.between}
