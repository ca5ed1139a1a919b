"""The stream that training reads: columns, cleaning, repetitions, hold-out, counts, and how far ahead it reads."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from community_lms.training import corpus as module
from community_lms.training.cleaning import Cleaning
from community_lms.training.corpus import Corpus, counts, is_held_out, stream
from plural_tasks.sources.base import LocatedRow
from plural_tasks.utils.checked import parse
from plural_tasks.utils.errors import ModPluralError
from tests.community_lms.training.layouts import write_jsonl


def record(comment: str, prompt: str = "", community: str = "a") -> dict[str, str]:
    return {"community": community, "source": "s", "licence": "MIT", "prompt": prompt, "comment": comment}


def at(path: Path, **fields) -> Corpus:
    return Corpus(path=str(path), **fields)


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    rows = [record("first text"), record(" FIRST  text "), record("first text", community="b")]
    rows += [record(""), record("x"), record("y" * 50), record("first text", prompt="why?")]
    return write_jsonl(tmp_path / "mixed.jsonl", rows)


def test_records_are_cleaned_and_each_is_there_once(mixed: Path) -> None:
    records = stream(at(mixed), part="all", cleaning=Cleaning(max_chars=40))
    assert list(records) == [
        record("first text"),
        record("first text", community="b"),  # said by another community
        record("first text", prompt="why?"),  # said of a question
    ]
    tally = records.tally
    assert (tally.read, tally.kept) == (7, 3)
    assert tally.dropped == {"duplicate": 1, "empty": 1, "too short": 1, "too long": 1}
    assert tally.communities == {"a": 2, "b": 1}


def test_one_community_is_kept(mixed: Path) -> None:
    records = stream(at(mixed, community="b"), part="all")
    assert list(records) == [record("first text", community="b")]
    assert records.tally.dropped == {"other community": 6}


def test_an_unknown_community_is_named(mixed: Path) -> None:
    with pytest.raises(ModPluralError, match=r"mixed\.jsonl: unknown community 'c'.* Valid: a, b\."):
        list(stream(at(mixed, community="c")))


def test_nothing_left_says_why(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", [record(""), record("x")])
    with pytest.raises(ModPluralError, match=r"none of 2 records is left\. Dropped: empty 1, too short 1"):
        list(stream(at(path)))


def test_columns_of_other_names(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", [{"q": "why?", "said": "because", "who": 3}])
    mapped = at(path, columns={"prompt": "q", "comment": "said", "community": "who"}, source="polls", licence="CC0")
    assert list(stream(mapped, part="all")) == [
        {"community": "3", "source": "polls", "licence": "CC0", "prompt": "why?", "comment": "because"}
    ]


def test_plain_text_belongs_to_the_community_that_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a line of text\n")
    assert [entry["community"] for entry in stream(at(tmp_path / "a.txt", community="left"), part="all")] == ["left"]
    path = write_jsonl(tmp_path / "a.jsonl", [{"text": "text instead of comment"}])
    assert [entry["comment"] for entry in stream(at(path), part="all")] == ["text instead of comment"]


def test_what_the_records_say_goes_before_the_spec(mixed: Path) -> None:
    assert {entry["licence"] for entry in stream(at(mixed, licence="other"), part="all")} == {"MIT"}


@pytest.mark.parametrize(
    ("row", "columns", "told"),
    [
        ({"prompt": "x"}, {}, "a.jsonl:1: column 'text' is missing; found prompt."),
        ({"comment": "x"}, {"prompt": "q"}, "a.jsonl:1: column 'q' is missing; found comment."),
        ({"comment": ["x"]}, {}, "a.jsonl:1: column 'comment': found list, expected text."),
        ({"comment": True}, {}, "a.jsonl:1: column 'comment': found bool, expected text."),
    ],
)
def test_a_row_that_does_not_fit(row: dict, columns: dict, told: str, tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", [row])
    with pytest.raises(ModPluralError) as caught:
        list(stream(at(path, columns=columns)))
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("given", "told"), [({"holdout": 1.5}, "holdout: found 1.5"), ({"part": "heldout"}, "unknown part 'heldout'")]
)
def test_arguments_are_checked_at_once(given: dict, told: str, mixed: Path) -> None:
    with pytest.raises(ModPluralError, match=told):
        stream(at(mixed), **given)


def test_a_spec_refuses_columns_that_are_not_ours() -> None:
    with pytest.raises(ModPluralError, match=r"unknown column 'coment'\. Did you mean 'comment'"):
        parse(Corpus, {"path": "x", "columns": {"coment": "text"}}, where="here")


class TestHoldOut:
    ROWS = tuple(
        record(f"comment {number} on {number // 4}", prompt=f"question {number // 4}") for number in range(4000)
    )

    def parts(self, path: Path, **given) -> tuple[list, list]:
        return list(stream(at(path), part="train", **given)), list(stream(at(path), part="held_out", **given))

    def test_the_parts_make_the_whole_and_no_question_is_in_both(self, tmp_path: Path) -> None:
        path = write_jsonl(tmp_path / "a.jsonl", list(self.ROWS))
        train, held_out = self.parts(path, holdout=0.1)
        assert len(train) + len(held_out) == 4000
        assert not {entry["prompt"] for entry in train} & {entry["prompt"] for entry in held_out}
        # 1000 questions, each with probability .1: 100, standard deviation sqrt(1000 x .1 x .9) = 9.5; in fours
        assert 4 * 62 < len(held_out) < 4 * 138
        assert counts(at(path), holdout=0.1).held_out == len(held_out)

    def test_it_does_not_change_with_order_or_number(self, tmp_path: Path) -> None:
        all_of_it = write_jsonl(tmp_path / "a.jsonl", list(self.ROWS))
        half = write_jsonl(tmp_path / "b.jsonl", list(self.ROWS[::-2]))
        held_out = {entry["comment"] for entry in self.parts(all_of_it, holdout=0.1)[1]}
        of_half = {entry["comment"] for entry in self.parts(half, holdout=0.1)[1]}
        assert of_half == held_out & {entry["comment"] for entry in self.ROWS[::-2]}

    def test_another_seed_holds_out_others(self, tmp_path: Path) -> None:
        path = write_jsonl(tmp_path / "a.jsonl", list(self.ROWS))
        first, second = (self.parts(path, holdout=0.1, seed=seed)[1] for seed in (0, 1))
        assert {entry["prompt"] for entry in first} != {entry["prompt"] for entry in second}

    def test_a_share_that_grows_keeps_what_was_held_out(self) -> None:
        small = {entry["comment"] for entry in self.ROWS if is_held_out(entry, 0.1, 0)}
        assert small < {entry["comment"] for entry in self.ROWS if is_held_out(entry, 0.2, 0)}

    def test_all_or_nothing(self) -> None:
        assert all(is_held_out(entry, 1.0, 0) for entry in self.ROWS)
        assert not any(is_held_out(entry, 0.0, 0) for entry in self.ROWS)

    def test_options_in_another_order_are_the_same_question(self) -> None:
        for number in range(200):
            orders = [
                f"Question {number}?\n\n- Yes\n- No\n- It depends",
                f"question {number}?\n\n- It depends\n- No\n- Yes",
            ]
            assert len({is_held_out(record("x", prompt=prompt), 0.5, 0) for prompt in orders}) == 1

    def test_plain_texts_are_held_out_by_their_text(self) -> None:
        assert {is_held_out(record(f"text {number}"), 0.5, 0) for number in range(50)} == {True, False}


def test_the_limit_counts_both_parts(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", [record(f"comment {number}") for number in range(100)])
    limited = at(path, limit=40)
    tally = counts(limited, holdout=0.25)
    assert (tally.read, tally.kept) == (40, 40)
    train = list(stream(limited, part="train", holdout=0.25))
    assert len(train) + tally.held_out == 40


def test_counts_add_up_over_corpora(mixed: Path) -> None:
    once, twice = counts(at(mixed)), counts(at(mixed), at(mixed))
    assert twice.kept == 2 * once.kept == 8
    assert twice.dropped == {"duplicate": 2, "empty": 2, "too short": 2}


def test_a_stream_reads_no_further_than_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    made = 0

    def endless(path: str, **_: object) -> Iterator[LocatedRow]:
        nonlocal made
        while True:
            made += 1
            yield LocatedRow(record(f"text number {made}"), f"{path}:{made}")

    monkeypatch.setattr(module, "rows", endless)
    records = stream(Corpus(path="endless"), part="all")
    for wanted in (1, 10, 1000):
        while records.tally.kept < wanted:
            next(records)
        assert made == wanted
