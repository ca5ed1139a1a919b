import pytest

from plural_tasks.metrics import parse_choice

STANCES = ["Support", "Oppose", "Either"]
YES_NO = ["Yes", "No"]
NESTED = ["Very favorable", "Somewhat favorable", "favorable", "Unfavorable"]
DEGREES = ["A lot", "A little", "Not at all"]
NINE = [f"answer number {number}" for number in range(9)]  # labels A to I
FIVE = ["one", "two", "three", "four", "five"]  # labels A to E


@pytest.mark.parametrize(
    ("answer", "options", "expected"),
    [
        # a label at the start
        ("B", STANCES, 1),
        (" B\n", STANCES, 1),
        ("B.", STANCES, 1),
        ("B. Oppose", STANCES, 1),
        ("B.Oppose", STANCES, 1),
        ("(B)", STANCES, 1),
        ("(B) because it harms", STANCES, 1),
        ("B) Oppose", STANCES, 1),
        ("B: it harms", STANCES, 1),
        ("**C**", STANCES, 2),
        ('"C"', STANCES, 2),
        ("'A'", STANCES, 0),
        ("B\nbecause it harms", STANCES, 1),
        # a text that is denied
        ("I do not support this.", STANCES, None),
        ("I would not support but oppose it.", STANCES, 1),
        # lower case
        ("b", STANCES, 1),
        ("(b)", STANCES, 1),
        ("b. oppose", STANCES, 1),
        # an announced label
        ("the answer is C", STANCES, 2),
        ("The answer is C because both can be said.", STANCES, 2),
        ("Answer: B", STANCES, 1),
        ("My answer is (B).", STANCES, 1),
        ("I would say that the best option is: **A**", STANCES, 0),
        ("The correct choice would be B.", STANCES, 1),
        ("the answer is b because it harms", STANCES, 1),
        ("Option C.", STANCES, 2),
        # the article is no label, nor is the pronoun
        ("A person would oppose this", STANCES, 1),
        ("A person would think twice", STANCES, None),
        ("a person would think twice", STANCES, None),
        ("The answer is a matter of taste.", STANCES, None),
        ("The best choice: a compromise", STANCES, None),
        ("I'd rather not say", NINE, None),
        ("I think so", NINE, None),
        ("e.g. the last", FIVE, None),
        # a label that the question does not have
        ("D", STANCES, None),
        ("Answer: D", STANCES, None),
        # the text of an option
        ("Oppose", STANCES, 1),
        ("oppose, as it harms", STANCES, 1),
        ("They would oppose it", STANCES, 1),
        ("It is unsupported", STANCES, None),
        ("No.", YES_NO, 1),
        ("I know nothing of it", YES_NO, None),
        ("A lot of them do", DEGREES, 0),
        ("They care a little.", DEGREES, 1),
        # texts contained in one another: the longest counts
        ("Somewhat favorable", NESTED, 1),
        ("They are somewhat favorable to it", NESTED, 1),
        ("They are favorable to it", NESTED, 2),
        ("unfavorable", NESTED, 3),
        # several options
        ("They would support or oppose it", STANCES, None),
        ("They are very favorable, or at least somewhat favorable", NESTED, None),
        ("A and B", STANCES, None),
        ("A, B", STANCES, None),
        ("(A) or (B)", STANCES, None),
        ("The answer is A or B.", STANCES, None),
        ("A, B and C", STANCES, None),
        # but not a second letter that is a word
        ("B, A person like me would think so", STANCES, 1),
        # nothing
        ("", STANCES, None),
        ("   ", STANCES, None),
        ("It depends.", STANCES, None),
        ("42", ["4", "2"], None),
        ("42", ["41", "42"], 1),
    ],
)
def test_parse_choice(answer: str, options: list[str], expected: int | None) -> None:
    assert parse_choice(answer, options) == expected


@pytest.mark.parametrize("options", [STANCES, YES_NO, NESTED, DEGREES, NINE])
def test_every_label_and_every_text_is_read_back(options: list[str]) -> None:
    for index, option in enumerate(options):
        letter = "ABCDEFGHI"[index]
        for answer in (letter, f"({letter})", f"{letter}. {option}", f"The answer is {letter}.", option):
            assert parse_choice(answer, options) == index, answer


def test_signs_of_regular_expressions_in_options_are_plain_text() -> None:
    options = ["C++ (new)", "[x] or *", "a|b?"]

    for index, option in enumerate(options):
        assert parse_choice(f"They would take {option}", options) == index
