import json
from pathlib import Path

import pytest

from community_lms.evaluation.texts import EvaluationText, find_texts, texts_digest
from community_lms.pools.spec import Community
from plural_tasks.utils.errors import ModPluralError


def corpus(path: Path, count: int = 40, community: str = "") -> Path:
    named = {"community": community} if community else {}
    lines = [
        {**named, "prompt": f"What of {number}?", "comment": f"We like {number} a lot."} for number in range(count)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def adapter(folder: Path, name: str = "left", **info: object) -> Community:
    folder.mkdir(parents=True)
    if info:
        (folder / "run_info.json").write_text(json.dumps(info))
    return Community.model_validate(
        {"name": name, "description": "d", "adapter": str(folder), "backbone": "some/backbone"}
    )


def test_a_named_corpus_gives_its_held_out_part_in_order_up_to_the_limit(tmp_path: Path) -> None:
    from community_lms.training.corpus import Corpus, stream

    path = corpus(tmp_path / "left.jsonl", 400)
    held = [record["comment"] for record in stream(Corpus(path=str(path)), part="held_out", holdout=0.02, seed=0)]
    assert 1 < len(held) < 30

    found = find_texts((), {"left": str(path)})
    assert [one.comment for one in found.texts["left"]] == held
    assert found.sources["left"] == "left.jsonl, held-out part"
    assert [one.comment for one in find_texts((), {"left": str(path)}, limit=1).texts["left"]] == held[:1]
    assert len(find_texts((), {"left": str(path)}, part="all").texts["left"]) == 400


def test_the_record_of_training_names_corpus_share_and_seed(tmp_path: Path) -> None:
    from community_lms.training.corpus import Corpus, stream

    path = corpus(tmp_path / "texts.jsonl", 100)
    info = {"corpus": {"parts": [{"path": "texts.jsonl"}], "source": "s"}, "config": {"holdout": 0.3, "seed": 5}}
    member = adapter(tmp_path / "adapters" / "left", **info)
    held = [record["comment"] for record in stream(Corpus(path=str(path)), part="held_out", holdout=0.3, seed=5)]

    found = find_texts((member,), {})
    assert [one.comment for one in found.texts["left"]] == held
    assert found.missing == {}


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    gone = {"corpus": {"parts": [{"path": "gone.jsonl"}]}, "config": {}}
    members = (
        adapter(tmp_path / "a", "bare"),
        adapter(tmp_path / "b", "lost", **gone),
        adapter(tmp_path / "c", "odd", modplural="1"),
    )
    found = find_texts(members, {})

    assert found.texts == {}
    assert found.missing == {
        "bare": "no corpus is known; give --corpus bare=FILE",
        "lost": "the corpus of its run_info.json, 'gone.jsonl', is not here; give --corpus lost=FILE",
        "odd": "its run_info.json names no corpus; give --corpus odd=FILE",
    }


def test_a_file_of_several_communities_gives_those_of_the_name(tmp_path: Path) -> None:
    both = tmp_path / "both.jsonl"
    both.write_text(corpus(tmp_path / "x", 5, "left").read_text() + corpus(tmp_path / "y", 7, "right").read_text())

    assert len(find_texts((), {"right": str(both)}, part="all").texts["right"]) == 7
    assert len(find_texts((), {"centre": f"{both}#left"}, part="all").texts["centre"]) == 5
    with pytest.raises(ModPluralError, match="unknown community 'centre'"):
        find_texts((), {"centre": str(both)}, part="all")


def test_a_named_corpus_without_held_out_text_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    path = corpus(tmp_path / "one.jsonl", 1)

    with pytest.raises(ModPluralError, match=r"^--corpus left=.*one.jsonl: no text is held out; give --part all"):
        find_texts((), {"left": str(path)})


def test_answers_to_one_question_are_a_cluster_whatever_the_order_of_its_options() -> None:
    assert EvaluationText("A or B?", "x").cluster == EvaluationText("B? or A", "y").cluster
    assert EvaluationText("", "x").cluster != EvaluationText("", "y").cluster
    assert EvaluationText("", "é").bytes == 2


def test_the_digest_is_of_prompts_texts_and_order() -> None:
    one, two = EvaluationText("a", "b"), EvaluationText("b", "a")
    assert len({texts_digest(listed) for listed in ([one], [two], [one, two], [two, one], [])}) == 5
