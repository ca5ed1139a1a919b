"""The reader's lists: the number is that of who is described, however long the list and whatever is said."""

import random
import re
from collections import Counter

import pytest

from tests.tools.train_embedded.conftest import Records
from tools.train_embedded.lists import route, select, worded
from tools.train_embedded.pools import groups, train_questions, voices
from tools.train_embedded.reader import all_themes

DESCRIBED = {voice.description: voice.name for voice in voices()}
MAKERS = {"select": select, "route": route}


def examples(kind: str, count: int, seed: int = 7) -> list[tuple[str, list[str]]]:
    rng = random.Random(seed)
    return [MAKERS[kind](all_themes(), rng) for _ in range(count)]


ATTRIBUTE = {
    "select": re.compile(r"^Which of them comes closest to this point of view: (.*)\?$", re.MULTILINE),
    "route": re.compile(r"^The answer is to be given for: (.*)\.$", re.MULTILINE),
}
NUMBERED = re.compile(r"^(\d+)\. (.*)$", re.MULTILINE)


def people(prompt: str) -> list[tuple[str, str]]:
    """Numbers and descriptions of those who are listed, in a selection after their comments."""
    return NUMBERED.findall(prompt.partition("\nThey come from:\n")[2] or prompt)


@pytest.mark.parametrize("kind", ["select", "route"])
def test_the_number_is_that_of_the_community_that_is_described(kind: str) -> None:
    places, wanted = Counter(), Counter()
    for prompt, (target,) in examples(kind, 600):
        listed = people(prompt)
        names = [DESCRIBED[description] for _, description in listed]
        digits = 2 if len(names) > 9 else 1  # 01, 02, …: no number begins another
        assert [number for number, _ in listed] == [f"{place + 1:0{digits}d}" for place in range(len(names))]
        assert target in dict(listed)
        assert 3 <= len(set(names)) == len(names)
        (attribute,) = ATTRIBUTE[kind].findall(prompt)
        owner = names[int(target) - 1]
        assert attribute in worded()[owner]
        assert not any(attribute in words for name, words in worded().items() if name != owner)
        places[int(target)] += 1
        wanted[owner] += 1
    # Each of the eleven is wanted one time in eleven: 54.5 +- 4 x sqrt(600 x 10/121) = 28.2.
    assert set(wanted) == set(DESCRIBED.values())
    assert all(abs(count - 600 / 11) <= 28.2 for count in wanted.values())
    assert all(places[number] for number in range(1, 12))


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
        if not record["comment"].isdigit():  # a short passage
            continue
        kind = "select" if ATTRIBUTE["select"].search(prompt) else "route"
        listed = [described for _, described in people(prompt)]
        (attribute,) = ATTRIBUTE[kind].findall(prompt)
        wanted = listed[int(record["comment"]) - 1]
        assert len(set(listed)) == len(listed)
        sizes[len(listed)] += 1
        if wanted in DESCRIBED:
            assert attribute in worded()[DESCRIBED[wanted]]
        else:
            place = wanted.removeprefix("people in ")
            assert re.fullmatch(rf"(people in|country:) {re.escape(place)} \(\d{{4}}\)", attribute)
            named += 1
    assert set(sizes) == {3, 4, 5, 6, 11}
    # Two thirds of 1000 are lists: 667 +- 4 x sqrt(1000 x 2/9) = 60; half of these each: 333 +- 60.
    assert abs(sum(sizes.values()) - 667) <= 60
    assert abs(sizes[11] - 333) <= 60
    assert abs(named - 333) <= 60


def test_all_members_of_a_selection_answer_the_same_question() -> None:
    theme_of, seen = {theme.question: theme for theme in all_themes()}, 0
    for prompt, _ in examples("select", 300):
        question = prompt.splitlines()[0].removeprefix("Question: ")
        comments = [said for _, said in NUMBERED.findall(prompt.partition("\nWhich of them comes closest")[0])]
        assert len(comments) >= 3
        if question in theme_of:
            assert theme_of[question].positions
            assert all(comment.startswith(("Yes, say ", "No, say ")) for comment in comments)
            seen += 1
    assert seen > 15


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
    assert [name for name, words in worded().items() if attribute in words] == [owner]


def test_attributes_of_two_communities_or_none_are_never_wanted() -> None:
    words = [attribute for attributes in worded().values() for attribute in attributes]
    assert len(set(words)) == len(words)
    assert set(worded()) == set(groups())
    train = {cell.attribute for question in train_questions() for cell in (*question.groups, *question.populations)}
    assert {re.sub(r"^country: ", "people in ", attribute) for attribute in words} <= train
    assert "sex: female (United States, 2018)" not in words
