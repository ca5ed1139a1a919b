"""The table of replies, each read strictly: nothing is guessed."""

from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from plural_tasks.metrics import ReadAnswer, parse_choice, read_answer
from plural_tasks.schema import LABELS
from tests.every import every

TABLE = yaml.safe_load((Path(__file__).parent / "answers.yaml").read_text(encoding="utf-8"))
KINDS = ("letters", "texts", "numbers", "json", "tools", "thoughts", "refusals", "unparsed")
CASES = [(f"{kind}: {case['reply']!r}", case) for kind in KINDS for case in TABLE[kind]]


def test_a_reply_is_read_as_the_table_says() -> None:
    def check(case: dict[str, Any]) -> None:
        picks = case["picks"]
        expected = ReadAnswer("choice", LABELS.index(picks)) if picks in LABELS else ReadAnswer(picks)
        assert read_answer(case["reply"], TABLE["options"][case["options"]]) == expected

    every(CASES, check)


def test_the_table_has_every_kind_and_outcome() -> None:
    assert set(TABLE) == {"options", *KINDS}
    found = Counter(case["picks"] for kind in KINDS for case in TABLE[kind])
    assert {"several", "refusal", "empty", "unparsed", "A", "B", "C"} == set(found)


def test_what_tasks_read_is_read_alike_or_is_no_choice() -> None:
    """`parse_choice` may overlook a form, and take a refusal or what JSON says beside the answer for an answer."""

    def check(case: dict[str, Any]) -> None:
        options = TABLE["options"][case["options"]]
        old, new = parse_choice(case["reply"], options), read_answer(case["reply"], options)
        told = any(sign in case["reply"] for sign in "{<(\\")
        assert old is None or told or new.index == old or new.outcome == "refusal"

    every(CASES, check)


def test_further_wordings_of_refusals_can_be_given() -> None:
    options = TABLE["options"]["yes_no"]
    assert read_answer("Nay nay, no.", options).index == 1
    assert read_answer("Nay nay, no.", options, lambda text: "Nay nay" in text) == ReadAnswer("refusal")
    assert read_answer("B. Nay nay", options, lambda text: "Nay nay" in text).index == 1
