"""``modplural community evaluate`` on two tiny adapters, with scripted messages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from community_lms.engines.scripted import ScriptedEngine
from community_lms.generation.ask import Asker
from community_lms.pools.pool import read_pool
from model_wrappers.cli import community_evaluate
from model_wrappers.cli.app import app
from plural_tasks.utils.errors import ModPluralError
from tests.community_lms.evaluation.surveys import question, surveys
from tests.community_lms.evaluation.test_texts import corpus
from tests.community_lms.tiny_models import save_adapter, save_model
from tests.plural_tasks.judges.tiny_checkpoints import encoder


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global PerplexityReader
    from community_lms.evaluation.reader import PerplexityReader


runner = CliRunner()
QUESTIONS = surveys(
    question("one", groups={"bank: left (Land, 2001)": [1.0, 0.0], "bank: right (Land, 2001)": [0.0, 1.0]}),
    question("two", groups={"bank: left (Land, 2001)": [0.8, 0.2], "bank: right (Land, 2001)": [0.3, 0.7]}),
    question("three", groups={"bank: left (Land, 2001)": [1.0, 0.0]}, split="train"),
)
GROUPS = "communities: {left: ['bank: left'], right: ['bank: right']}\n"
POOL = """
name: banks
backbone: {backbone}
decoding: {{max_new_tokens: 6}}
communities:
  - {{name: left, description: the left bank, adapter: {left}}}
  - {{name: right, description: the right bank, adapter: {right}}}
  - {{name: old, description: the old town, persona: You are old.}}
  - {{name: far, description: those far away, endpoint: {{backend: local-completions}}}}
"""


class Speaker(ScriptedEngine):
    """The left bank says yes, the right bank no, the others something else."""

    asked = 0

    def _message(self, request: Any) -> Any:
        from community_lms.messages.message import Message

        type(self).asked += 1
        text = {"left": "Yes, we want it.", "right": "No.", "old": "I cannot answer this question."}.get(
            request.community.name, ""
        )
        return Message(request.community.name, text, tokens=len(text.split()))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    root = tmp_path_factory.mktemp("weights")
    made = {"backbone": save_model(root / "backbone", seed=1)}
    for number, name in enumerate(("left", "right")):
        made[name] = save_adapter(root / name, made["backbone"], seed=10 + number, init_lora_weights=False)
    made["judge"] = encoder(root / "judge")
    return made


@pytest.fixture
def place(tmp_path: Path, weights: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "banks.yaml").write_text(POOL.format(**weights))
    (tmp_path / "groups.yaml").write_text(GROUPS)
    (tmp_path / "surveys.json").write_text(QUESTIONS.model_dump_json())
    for name in ("left", "right"):
        corpus(tmp_path / f"{name}.jsonl", 6 if name == "left" else 7)
    Speaker.asked = 0

    class Scripted(Asker):
        def _engine(self, name: str) -> Any:
            return self.engines.setdefault(name, Speaker())

    monkeypatch.setattr(community_evaluate, "Asker", Scripted)
    return tmp_path


def invoke(*arguments: object, code: int = 0) -> str:
    given = ["--surveys", "surveys.json", "--groups", "groups.yaml", "--engine", "scripted", "--part", "all"]
    corpora = ["--corpus", "left=left.jsonl", "--corpus", "right=right.jsonl"]
    result = runner.invoke(
        app, ["community", "evaluate", "banks.yaml", *given, *corpora, "--device", "cpu", *map(str, arguments)]
    )
    if code == 0 and result.exception:
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output + str(result.exception or "")


def read(place: Path, folder: str = "out") -> dict[str, Any]:
    return json.loads((place / folder / "evaluation.json").read_text())


def test_all_parts_from_start_to_end(place: Path, weights: dict[str, str]) -> None:
    shown = invoke("--out", "out", "--samples", 2, "--judge", f"embedding:{weights['judge']}")
    found = read(place)

    assert (found["pool"], found["backbone"]) == ("banks", weights["backbone"])
    assert found["communities"] == ["left", "right", "old", "far"]
    table = found["perplexity"]
    assert table["texts"] == ["left", "right"]
    assert table["readers"] == ["left", "right", "old", "backbone"]
    assert [len(row) for row in table["table"]] == [2] * 4
    assert table["documents"] == {"left": 6, "right": 7}
    # left answers Yes, Yes; its groups say (1, 0) and (.8, .2); right No, No; (0, 1) and (.3, .7)
    left = found["agreement"]["left"]
    assert (left["accuracy"], left["n"], left["unparsed"], left["answers"]) == (1.0, 2, 0, 4)
    assert left["against_other_groups"]["estimate"] < 0
    assert set(found["agreement"]) == {"left", "right"}
    assert found["distinctness"]["pair_bleu"][0][0] == pytest.approx(100.0)
    assert found["distinctness"]["embedding_distance"][0][0] == pytest.approx(0.0, abs=1e-6)
    assert found["distinctness"]["embedding_distance"][0][1] > 1e-4
    assert found["messages"]["old"]["refused"] == 1.0
    assert found["messages"]["far"]["empty"] == 1.0
    assert found["messages"]["left"]["empty"] == 0.0
    notes = "\n".join(found["notes"])
    assert "perplexity: far cannot read texts: an endpoint gives no likelihoods." in notes
    assert "agreement: no groups are known for old, far." in notes
    for name in ("report.md", "perplexity.svg", "agreement.svg", "embedding_distance.svg", "bleu.svg"):
        assert (place / "out" / name).is_file(), name
    report = (place / "out" / "report.md").read_text()
    for text in ("# Communities of the pool banks", "Perplexity of texts", "of 2 communities read their own"):
        assert text in report
    assert "Agreement with the own group's survey answers" in shown
    assert "nan" not in report


@pytest.mark.slow
def test_a_second_run_measures_nothing_again_and_gives_the_same(
    place: Path, weights: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("--out", "out", "--judge", f"embedding:{weights['judge']}")
    invoke(*arguments)
    first, asked = read(place), Speaker.asked
    assert asked == 4 * 2 * 5

    def broken(*_: object, **__: object) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr(PerplexityReader, "read", broken)
    (place / "out" / "messages.sqlite").unlink()
    invoke(*arguments)
    assert read(place) == first
    assert Speaker.asked == asked


def test_what_has_changed_is_read_again(place: Path) -> None:
    invoke("--out", "out", "--parts", "perplexity")
    first = read(place)["perplexity"]["table"]

    (place / "banks.yaml").write_text((place / "banks.yaml").read_text().replace("You are old.", "You are very young."))
    read_pool.cache_clear()
    corpus(place / "right.jsonl", 8)
    invoke("--out", "out", "--parts", "perplexity")
    second = read(place)["perplexity"]["table"]
    changed = [[one != other for one, other in zip(*rows, strict=True)] for rows in zip(first, second, strict=True)]
    assert changed == [[False, True], [False, True], [True, True], [False, True]]


def test_an_interrupted_run_keeps_what_was_read(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    usual = PerplexityReader.read

    def read_some(self: PerplexityReader, member: Any, *rest: Any) -> Any:
        if len(seen) == 3:
            raise KeyboardInterrupt
        seen.append(member.name)
        return usual(self, member, *rest)

    monkeypatch.setattr(PerplexityReader, "read", read_some)
    shown = invoke("--out", "out", "--parts", "perplexity", code=130)
    assert "Interrupted; what is done is kept in out" in shown

    again: list[str] = []

    def read_and_note(self: PerplexityReader, member: Any, *rest: Any) -> Any:
        again.append(member.name)
        return usual(self, member, *rest)

    monkeypatch.setattr(PerplexityReader, "read", read_and_note)
    invoke("--out", "out", "--parts", "perplexity")
    assert seen == ["left", "left", "right"]
    assert again == ["right", "old", "old", "backbone", "backbone"]


def test_parts_are_added_to_the_results_of_the_same_pool(place: Path) -> None:
    invoke("--out", "out", "--parts", "perplexity")
    invoke("--out", "out", "--parts", "messages,agreement", "--limit", "2")
    found = read(place)
    assert {part: told["limit"] for part, told in found["settings"].items()} == {
        "perplexity": 200,
        "messages": 2,
        "agreement": 2,
    }
    assert {"perplexity", "agreement", "messages"} <= set(found)
    assert any(note.startswith("perplexity: far") for note in found["notes"])

    invoke("--out", "out", "--parts", "messages", "--communities", "left+right")
    found = read(place)
    assert found["communities"] == ["left", "right"]
    assert "perplexity" not in found


def test_without_a_judge_distances_are_left_out_and_it_is_said(place: Path) -> None:
    shown = invoke("--out", "out", "--parts", "distinctness", "--judge", "embedding:/no/such/folder")

    assert read(place)["distinctness"]["embedding_distance"] is None
    assert "distinctness: embedding distances are left out" in shown
    assert not (place / "out" / "embedding_distance.svg").exists()


def test_each_local_adapter_gets_its_own_slice(place: Path, weights: dict[str, str]) -> None:
    invoke("--out", "out", "--parts", "perplexity,agreement,messages", "--write-back")
    found = read(place)
    for column, name in enumerate(("left", "right")):
        mine = json.loads((Path(weights[name]) / "evaluation.json").read_text())
        assert mine["community"] == name
        assert mine["perplexity"]["texts"] == [name]
        assert mine["perplexity"]["table"] == [[row[column]] for row in found["perplexity"]["table"]]
        assert mine["perplexity"]["reads"]["right"] == found["perplexity"]["table"][column][1]
        assert mine["perplexity"]["tokens"] == {name: found["perplexity"]["tokens"][name]}
        assert mine["agreement"] == {name: found["agreement"][name]}
        assert mine["messages"] == {name: found["messages"][name]}
        assert "distinctness" not in mine


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--parts", "perplexty"], "--parts: unknown part 'perplexty'. Did you mean 'perplexity'?"),
        (["--parts", ","], "--parts: found nothing"),
        (["--corpus", "left"], "--corpus: found 'left', expected NAME=FILE."),
        (["--corpus", "left=x"], "--corpus: 'left' is given twice"),
        (["--part", "train"], "--part: unknown part 'train'"),
        (["--parts", "distinctness", "--groups", "gone.yaml"], "gone.yaml: cannot be read"),
        (["--communities", "lift"], "Did you mean 'left'?"),
    ],
)
def test_bad_input_is_one_error(place: Path, arguments: list[str], message: str) -> None:
    result = runner.invoke(
        app,
        ["community", "evaluate", "banks.yaml", "--corpus", "left=left.jsonl", "--surveys", "surveys.json", *arguments],
    )
    assert isinstance(result.exception, ModPluralError)
    assert message in str(result.exception)
