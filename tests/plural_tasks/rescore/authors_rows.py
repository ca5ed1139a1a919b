"""Rows in the authors' file format, filled in by hand and at random; all texts are this project's own."""

import json
import random
from pathlib import Path
from typing import Any

Rows = list[dict[str, Any]]

LETTERS = "ABCDE"


def lettered(question: str, options: list[str]) -> str:
    listed = " ".join(f"{letter}. {option}" for letter, option in zip(LETTERS, options, strict=False))
    return f"Question: {question}\nOptions: {listed}\nAnswer:"


def survey(number: int, attribute: str, options: list[str], gold: list[float], shares: list[float]) -> dict[str, Any]:
    """A row of GlobalOpinionQA or, with an attribute like ``SEX_Female``, of OpinionQA."""
    return {
        "question": lettered(f"What should the town do about matter {number % 7}?", options),
        "options": options,
        "attribute": attribute,
        "gold_distribution": gold,
        "pred_distribution": shares,
        "id": number,
    }


def moral(number: int, gold: list[float], shares: list[float]) -> dict[str, Any]:
    options = ["I help.", "I walk on."]
    scenario = f"Scenario: Someone falls, for the {number}th time."
    return {
        "question": f"Choose.\n{scenario}\nA. {options[0]}\nB. {options[1]}\nAnswer:",
        "options": options,
        "attribute": "low_ambiguity" if gold == [1, 0] else "high_ambiguity",
        "gold_distribution": gold,
        "pred_distribution": shares,
        "id": f"M_{number}",
    }


def stance(number: int, label: str, output: str) -> dict[str, Any]:
    return {
        "situation": f"Closing road {number % 5}",
        "vrd": "Quiet",
        "label_text": {"A": "Support", "B": "Oppose", "C": "Either"}[label],
        "label": label,
        "input": "Does the value support the situation?\nA. Support B. Oppose C. Either\nAnswer:",
        "output": output,
        "id": number,
    }


def overton(number: int, explanations: list[str], output: str) -> dict[str, Any]:
    return {
        "situation": f"Opening shop {number}",
        "vrd": [f"Value {place}" for place in range(len(explanations))],
        "explanation": explanations,
        "input": "Please say what bears on this.",
        "output": output,
        "id": number,
    }


def write(path: Path, rows: Rows) -> Path:
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


OPTIONS = ["More", "As much", "Less", "Nothing"]
UNKNOWN = [*OPTIONS[:3], "Don't know"]

# gold, prediction; what they are made to hit stands behind.
ADVERSARIAL: list[tuple[list[str], list[float], list[float]]] = [
    (OPTIONS, [0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4]),
    (OPTIONS, [0.4, 0.1, 0.4, 0.1], [0.1, 0.1, 0.7, 0.1]),  # tied gold, its second is predicted
    (OPTIONS, [0.1, 0.5, 0.3, 0.1], [0.4, 0.4, 0.1, 0.1]),  # tied prediction, its second is right
    (OPTIONS, [0.1, 0.5, 0.3, 0.1], [0.25, 0.25, 0.25, 0.25]),  # uniform
    (OPTIONS, [0.7, 0.1, 0.1, 0.1], [0, 0, 0, 0]),  # no mass, the first is right
    (OPTIONS, [0.1, 0.7, 0.1, 0.1], [0, 0, 0, 0]),  # no mass, the first is wrong
    (OPTIONS, [0.1, 0.7, 0.1, 0.1], [3, 21, 3, 3]),  # not normalised
    (OPTIONS, [0.25, 0.25, 0.25, 0.25], [1e-300, 0, 0, 0]),  # next to no mass
    (OPTIONS, [0.3, 0.3, 0.2, 0.2], [0.30000000000000004, 0.3, 0.2, 0.2]),  # a tie but for the last bit
    (OPTIONS, [1, 0, 0, 0], [0, 0, 0, 1]),  # disjoint
    (OPTIONS, [0.33, 0.33, 0.33, 0], [0.33, 0.33, 0.33, 0]),  # rounded shares, equal
    (["Yes"], [1], [1]),  # single option
    (["Yes"], [1], [0]),  # single option without mass
    (UNKNOWN, [0.2, 0.2, 0.1, 0.5], [0.5, 0.1, 0.1, 0.3]),  # don't know is most frequent
    (UNKNOWN, [0.5, 0.2, 0.2, 0.1], [0, 0, 0, 1]),  # don't know alone is predicted
    (UNKNOWN, [0, 0, 0, 1], [0.5, 0.5, 0, 0]),  # don't know alone is gold
    (["Yes", "Don't know"], [0.5, 0.5], [0.9, 0.1]),  # one option that states an opinion
]

ANSWERS = [
    "A", "B", "C", "A.", "B. Oppose", " C", "(B)", "[A]", "**B**", "A/B", "C or A", "a", "b", "D", "E", "Z",
    "Answer: B", "Answer: C", "answer: b", "My answer: c", "The answer is B", "the answer is C.",
    "The answer is clear", "The correct answer is B", "the correct answer is a", "I'd say B.",
    "It must be B or so", "Option B", "Both", "Either", "Either way", "either", "It depends",
    "it depends on whom", "Support", "support", "Oppose", "I oppose", "not support", "oppose, not support",
    "Neither", "Disagree", "Agree", "Absolutely not", "Because it helps", "", " ", "\n", "\nB", "Oppose\nB",
    "my pick:\tB", "my pick:\tB\nbye", "pick (C", "pick (C)", "so B: oppose", "maybe", "42", "É", "No A here.",
    "well A B C", "ends with C", "ends with E", "Cannot say", "the answer is (A)", "</s>", "support\n\nA",
]  # fmt: skip

REASONS = ["Shops give work to people.", "A quiet street is a good of its own.", "The owner may use what is hers."]

TEXTS = [
    "Shops give work to people. A quiet street is a good of its own.",
    "",
    " ",
    "Work matters.\n\nQuiet matters. Dr. Low agrees!",
    "- Work\n- Quiet\n",
    "no capital letter. none at all",
    "Shops give work to people.",
]


def random_shares(rng: random.Random, n: int) -> list[float]:
    """Shares with many ties and zeros, often not normalised."""
    kind = rng.randrange(4)
    if kind == 0:
        return [rng.choice([0, 0.25, 0.5]) for _ in range(n)]
    if kind == 1:
        return [1 / n] * n
    weights = [rng.random() for _ in range(n)]
    return [weight / sum(weights) for weight in weights] if kind == 2 else weights


def random_gold(rng: random.Random, n: int) -> list[float]:
    counts = [rng.randrange(4) for _ in range(n)]
    counts[rng.randrange(n)] += 1
    return [count / sum(counts) for count in counts]


def random_answer(rng: random.Random) -> str:
    parts = [rng.choice([*ANSWERS, "is", "the answer is ", "answer: ", "A", "b", "E", "\n", ".", ":", "("])]
    while rng.random() < 0.6:
        parts.append(
            rng.choice([" ", "", "\n", ". "]) + rng.choice([*ANSWERS, "because", "they support", "it depends"])
        )
    return "".join(parts)
