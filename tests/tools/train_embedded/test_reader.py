import random
import re
from collections import Counter
from math import sqrt

import pytest
import yaml
from jinja2 import Environment

from plural_tasks.schema import LABELS
from plural_tasks.utils.checked import read_yaml
from tests.tools.train_embedded.conftest import Records
from tests.tools.train_embedded.made import told
from tools.train_embedded.pools import ROOT, train_questions
from tools.train_embedded.reader import DRAWS, KINDS, MAKERS, all_themes, context, letters

# How shipped data were made: of the whole corpora, and for whoever makes them anew.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global RECIPE
    from tools.train_embedded.__main__ import RECIPE


CLOSED = re.compile(r"Question: (?P<question>[^\n]*)\n(?P<options>(?:[A-Z]\. [^\n]*\n)+)Answer:$")
MESSAGE = re.compile(
    r"(?:A comment that comes close to it|One of them said|A comment that may help):\n(?P<message>[^\n]*)\n\nQuestion: "
)


def examples(kind: str, count: int, seed: int = 7) -> list[tuple[str, list[str]]]:
    rng = random.Random(seed)
    return [MAKERS[kind](all_themes(), rng) for _ in range(count)]


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
    count = read_yaml(RECIPE)["reader_examples"]
    kinds = Counter(
        "letter" if record["comment"] in LABELS else "number" if record["comment"].isdigit() else "text"
        for record in records["reader"]
    )
    # A number for each list, 0.20 + 0.14; a text for each synthesis, 0.03; a letter where a reason alone is told, 0.02,
    # and six wherever there are shares, 0.36 + 0.14 + 0.06 + 0.05.
    one, six = round(0.02 * count), sum(round(share * count) for share in (0.36, 0.14, 0.06, 0.05))
    numbers = round(0.20 * count) + round(0.14 * count)
    assert kinds == {"letter": one + DRAWS * six, "number": numbers, "text": round(0.03 * count)}


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


@pytest.mark.parametrize("shares", [(1.0,), (0.5, 0.5), (0.7, 0.2, 0.1), (0.0, 1.0), (0.25, 0.25, 0.25, 0.25)])
def test_letters_come_in_the_proportions_of_the_shares(shares: tuple[float, ...]) -> None:
    rng, n = random.Random(1), 3000
    drawn = [letters(shares, rng) for _ in range(n)]
    for place, share in enumerate(shares):
        counts = [made.count(LABELS[place]) for made in drawn]
        # From equally likely slices: six times a share, give or take less than one letter at either end.
        assert all(abs(count - 6 * share) < 2 for count in counts)
        assert abs(sum(counts) / n / 6 - share) <= 4 * sqrt(share * (1 - share) / n / 6)


def test_short_passages_name_the_answer_that_most_letters_stand_for(records: Records) -> None:
    places = Counter()
    made = records["brief"]
    for start in range(0, len(made), DRAWS):
        group = made[start : start + DRAWS]
        assert len({record["prompt"] for record in group}) == 1
        options = asked(group[0]["prompt"])[1]
        named = told(message(group[0]["prompt"]), options)
        drawn = Counter(options[LABELS.index(record["comment"])] for record in group)
        # Nine of ten, or seven, give the first answer: at least 6 x 0.7 - 1 of six letters.
        assert drawn[named[0]] >= 4
        places[len(options), LABELS[options.index(named[0])]] += 1
    # Every letter of every shorter list is asked for.
    assert all(places[count, label] for count in (2, 3, 4, 5) for label in LABELS[:count])


@pytest.mark.parametrize("kind", ["told", "survey"])
def test_letters_are_those_of_what_is_told(kind: str) -> None:
    first, others, n, cut, places = 0, 0, 0, 0, Counter()
    for prompt, targets in examples(kind, 2000):
        options = asked(prompt)[1]
        assert len(targets) == DRAWS
        said = message(prompt)
        if len(options) >= 8 or not re.search(r", say [a-z ]+ us\.", said):  # a scale, or cut before the answer ends
            cut += len(options) < 8
            continue
        named = told(said, options)
        drawn = Counter(options[LABELS.index(target)] for target in targets)
        if ", say most of us." in said:
            n += DRAWS
            first += drawn[named[0]]
            others += drawn[named[1]] if len(named) > 1 else 0
        if ", say nearly all of us." in said:
            assert drawn[named[0]] >= 4  # 0.85 x 6 - 1
        places[len(options), targets[0]] += 1
    assert cut < 20  # of 2000: few options are as long
    # "Most" are 0.6 to 0.85 of a group; who is named beside them has at least 0.15.
    assert 0.6 < first / n < 0.85
    assert others / n > 0.1
    assert all(places[count, label] for count in (2, 3, 4, 5) for label in LABELS[:count])


def test_of_train_questions_words_are_told_and_no_shares() -> None:
    known = {question.text: question for question in train_questions()}
    seen: dict[str, set[str]] = {}
    for prompt, _ in examples("survey", 1500):
        question, options = asked(prompt)
        assert set(options) == set(known[question].options)
        if len(options) < 8:
            seen.setdefault(question, set()).add(told(message(prompt), options)[0])
    # Shares are made up: every answer of a question is the most frequent one now and then.
    assert all(answers == set(known[question].options) for question, answers in seen.items() if len(answers) > 1)
    assert len(seen) > 25


def test_where_a_reason_is_told_the_letter_is_that_of_its_side() -> None:
    seen = Counter()
    sides = ("plus", "minus")
    side_of = {reason: (theme, side) for theme in all_themes() for side in sides for reason in getattr(theme, side)}
    for prompt, targets in examples("reasoned", 400):
        question, options = asked(prompt)
        theme, side = side_of[message(prompt)]
        expected = theme.statement if side == "plus" else theme.opposite
        if question == theme.question:
            expected = "Yes" if side == "plus" else "No"
        assert [options[LABELS.index(target)] for target in targets] == [expected], prompt
        seen[side] += 1
    # Sides are drawn evenly: 200 +- 4 x 10.
    assert 160 <= seen["plus"] <= 240


@pytest.mark.parametrize("kind", ["nothing", "beside"])
def test_where_nothing_is_told_letters_are_even(kind: str) -> None:
    found_at: dict[int, Counter[str]] = {}
    for prompt, targets in examples(kind, 4000, seed=8):
        found_at.setdefault(len(asked(prompt)[1]), Counter()).update(targets[:1])
    assert {2, 3, 4, 5, 10, 11} == set(found_at)
    for count, found in found_at.items():
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
        tuple(sorted(reason.split()))
        for theme in all_themes()
        for reason in (*theme.plus, *theme.minus, *theme.between)
    }
    for prompt, _ in examples("beside", 300):
        assert tuple(sorted(message(prompt).split())) in reasons


def test_a_synthesis_gives_every_comment_its_place() -> None:
    for prompt, (target,) in examples("synthesis", 200):
        comments = re.findall(r"^- (.*)$", prompt, flags=re.MULTILINE)
        assert 3 <= len(comments) <= 6
        rest = target
        for comment in comments:
            lead, _, rest = rest.partition(comment)
            assert lead.strip().endswith(":")
        assert rest == ""
        situation = re.search(r"Situation: (.*)\n", prompt)[1]
        theme = next(theme for theme in all_themes() if theme.situation == situation)
        assert set(comments) <= {*theme.plus, *theme.minus, *theme.between}
