"""Entailment by checkpoints: tiny ones with random weights, saved to disk as real ones are."""

import json
import logging
import math
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from plural_tasks.judges import load_judge
from plural_tasks.judges.cache import JudgementCache
from plural_tasks.judges.checkpoint import pick_batch_size
from plural_tasks.judges.nli import NLIJudge, label_places
from plural_tasks.utils.errors import ModPluralError
from tests.plural_tasks.judges import tiny_checkpoints

COMMIT = "0123456789abcdef0123456789abcdef01234567"
PAIRS = [
    ("rest", "sleep"),
    ("people need rest and time", "sleep"),
    ("a promise binds", "promises may be broken when they harm"),
    ("care", "care"),
    ("what one owes to a friend in need", "a friend"),
]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny_checkpoints.classifier(tmp_path_factory.mktemp("bert"))


def judge_of(checkpoint: str | Path, **options: Any) -> NLIJudge:
    return NLIJudge(str(checkpoint), **{"device": "cpu", "progress": False, **options})


def copy_of(checkpoint: str, folder: Path, **config: Any) -> Path:
    """A copy whose config.json differs."""
    shutil.copytree(checkpoint, folder)
    file = folder / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **config}))
    return folder


class TestScores:
    @pytest.mark.parametrize("kind", ["bert", "deberta"])
    def test_batches_say_what_single_pairs_say(self, kind: str, tmp_path: Path) -> None:
        judge = judge_of(tiny_checkpoints.classifier(tmp_path, kind=kind), batch_size=4)
        batched = judge.entail(PAIRS)

        for pair, found in zip(PAIRS, batched, strict=True):
            [single] = judge.entail([pair])
            assert single.entailment == pytest.approx(found.entailment, abs=1e-5)
            assert single.neutral == pytest.approx(found.neutral, abs=1e-5)
            assert single.contradiction == pytest.approx(found.contradiction, abs=1e-5)

    def test_are_the_softmax_of_the_checkpoint_read_by_label(self, checkpoint: str) -> None:
        import torch
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(checkpoint)
        model = AutoModelForSequenceClassification.from_pretrained(checkpoint).eval()
        with torch.no_grad():
            logits = model(**tokenizer("a promise binds", "it binds", return_tensors="pt")).logits[0].tolist()
        weights = [math.exp(logit) for logit in logits]

        [found] = judge_of(checkpoint).entail([("a promise binds", "it binds")])

        # saved as CONTRADICTION, NEUTRAL, ENTAILMENT
        scores = [found.contradiction, found.neutral, found.entailment]
        assert scores == pytest.approx([weight / sum(weights) for weight in weights], abs=1e-6)

    def test_follow_the_labels_not_their_order(self, checkpoint: str, tmp_path: Path) -> None:
        turned = copy_of(checkpoint, tmp_path / "turned", id2label={0: "entailment", 1: "Contradiction", 2: "NEUTRAL"})
        [before] = judge_of(checkpoint).entail(PAIRS[:1])
        [after] = judge_of(turned).entail(PAIRS[:1])

        assert after.entailment == pytest.approx(before.contradiction)
        assert after.contradiction == pytest.approx(before.neutral)
        assert after.neutral == pytest.approx(before.entailment)

    def test_two_labels_leave_the_rest_unknown(self, tmp_path: Path) -> None:
        path = tiny_checkpoints.classifier(tmp_path, labels=("entailment", "not_entailment"))
        [found] = judge_of(path).entail(PAIRS[:1])

        assert 0.0 < found.entailment < 1.0
        assert math.isnan(found.neutral)
        assert math.isnan(found.contradiction)

    def test_longest_pairs_go_first_and_padding_is_little(self, checkpoint: str) -> None:
        judge = judge_of(checkpoint, batch_size=2)
        batches: list[list[int]] = []
        forward = judge._forward

        def spy(batch: list[tuple[str, str]]) -> Any:
            batches.append([len(premise) + len(hypothesis) for premise, hypothesis in batch])
            return forward(batch)

        judge._forward = spy  # type: ignore[method-assign]
        # one letter is one token
        judge.entail([("a" * 5, "b"), ("a" * 30, "b"), ("a" * 6, "b"), ("a" * 20, "b" * 2), ("a", "b" * 29)])

        assert batches == [[31, 30], [22, 7], [6]]

    def test_inputs_that_are_too_long_are_cut_and_counted(
        self, checkpoint: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        judge = judge_of(checkpoint, max_length=16)
        # [CLS] p [SEP] h [SEP]: 16 is 13 letters and 3 special tokens
        with caplog.at_level(logging.WARNING):
            judge.entail([("a" * 10, "b" * 3), ("a" * 10, "b" * 4), ("a" * 90, "b")])

        assert judge.counts.truncated == 2
        assert "2 of 3 pairs exceed 16 tokens and are cut" in caplog.text

    def test_the_checkpoint_sets_the_limit(self, checkpoint: str) -> None:
        judge = judge_of(checkpoint)
        # 64 positions
        judge.entail([("a" * 60, "b"), ("a" * 61, "b")])

        assert judge.counts.truncated == 1

    def test_numbers_that_are_not_finite_are_an_error(self, checkpoint: str) -> None:
        judge = judge_of(checkpoint)
        judge._model.classifier.bias.data[0] = math.nan

        with pytest.raises(ModPluralError, match="gives no finite numbers in float32; give dtype=float32 or another"):
            judge.entail(PAIRS[:1])

    def test_bfloat16_is_close(self, checkpoint: str) -> None:
        exact, rough = (judge_of(checkpoint, dtype=dtype).entail(PAIRS) for dtype in ("float32", "bfloat16"))

        assert [one.entailment for one in rough] == pytest.approx([one.entailment for one in exact], abs=0.05)

    def test_progress_names_judge_and_count(self, checkpoint: str, capsys: pytest.CaptureFixture[str]) -> None:
        judge = judge_of(checkpoint, progress=True)
        judge.entail(PAIRS)

        assert f"judge {judge.name}" in (shown := capsys.readouterr().err)
        assert "5/5" in shown


class TestIdentity:
    def test_local_weights_are_named_by_a_digest(self, checkpoint: str, tmp_path: Path) -> None:
        same = copy_of(checkpoint, tmp_path / "same")
        other = Path(tiny_checkpoints.classifier(tmp_path / "other", seed=1))
        (same / "config.json").write_bytes(Path(checkpoint, "config.json").read_bytes())
        revisions = [judge_of(path).revision for path in (checkpoint, same, other)]

        assert revisions[0].startswith("sha256:")
        assert len(revisions[0]) == len("sha256:") + 64
        assert revisions[0] == revisions[1] != revisions[2]

    @pytest.fixture
    def hub_cache(self, checkpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A Hub cache that holds the checkpoint as some/nli at one commit; no network."""
        from huggingface_hub import constants

        folder = tmp_path / "models--some--nli"
        shutil.copytree(checkpoint, folder / "snapshots" / COMMIT)
        (folder / "refs").mkdir()
        for name in ("main", "v2"):
            (folder / "refs" / name).write_text(COMMIT)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        return folder

    @pytest.mark.parametrize("spec", ["some/nli", "nli:some/nli@v2", f"nli:some/nli@{COMMIT}"])
    def test_a_checkpoint_on_the_hub_is_named_by_its_commit(self, hub_cache: Path, spec: str) -> None:
        judge = load_judge(spec, device="cpu", progress=False)

        assert (judge.name, judge.revision) == ("some/nli", COMMIT)
        assert 0.0 < judge.entail(PAIRS[:1])[0].entailment < 1.0

    def test_a_snapshot_folder_states_its_commit(self, hub_cache: Path) -> None:
        assert judge_of(hub_cache / "snapshots" / COMMIT).revision == COMMIT

    def test_what_the_hub_does_not_have(self, hub_cache: Path) -> None:
        with pytest.raises(ModPluralError, match=r"judge some/other at v9: is no folder .* give the folder, or take"):
            load_judge("some/other@v9")

    def test_the_default_is_the_published_judge(self, hub_cache: Path) -> None:
        with pytest.raises(ModPluralError, match="judge microsoft/deberta-v2-xlarge-mnli: is no folder"):
            load_judge("nli")


class TestLabels:
    @pytest.mark.parametrize(
        ("labels", "places"),
        [
            ({0: "CONTRADICTION", 1: "NEUTRAL", 2: "ENTAILMENT"}, {"contradiction": 0, "neutral": 1, "entailment": 2}),
            ({2: "contradiction", 0: "Entailment", 1: "neutral"}, {"contradiction": 2, "neutral": 1, "entailment": 0}),
            (["neutral", "entailment", "contradiction"], {"contradiction": 2, "neutral": 0, "entailment": 1}),
            ("neutral, contradiction,entailment", {"contradiction": 1, "neutral": 0, "entailment": 2}),
        ],
    )
    def test_are_read_by_name(self, labels: Any, places: dict[str, int]) -> None:
        assert label_places(labels, 3, "it") == places

    @pytest.mark.parametrize("name", ["not_entailment", "NOT-ENTAILMENT", "Not entailment"])
    def test_may_be_two(self, name: str) -> None:
        assert label_places({0: name, 1: "entailment"}, 2, "it") == {"entailment": 1}

    @pytest.mark.parametrize(
        ("labels", "outputs"),
        [
            ({0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"}, 3),
            ({0: "POSITIVE", 1: "NEGATIVE"}, 2),
            (["entailment", "entailment", "neutral", "contradiction"], 4),
            ("entailment,neutral,contradiction", 2),
            ("entailment,not_entailment", 3),
            ("entailment", 1),
            ("", 3),
        ],
    )
    def test_that_say_nothing_are_an_error_with_the_way_out(self, labels: Any, outputs: int) -> None:
        with pytest.raises(
            ModPluralError, match=rf"it: its {outputs} outputs are called .*labels=contradiction,neutral,entailment"
        ):
            label_places(labels, outputs, "it")

    def test_can_be_given(self, checkpoint: str, tmp_path: Path) -> None:
        nameless = tiny_checkpoints.classifier(tmp_path / "nameless", labels=None)
        with pytest.raises(ModPluralError, match="its 2 outputs are called LABEL_0, LABEL_1; expected"):
            judge_of(nameless)

        [found] = judge_of(nameless, labels="not_entailment,entailment").entail(PAIRS[:1])
        [turned] = judge_of(nameless, labels=["entailment", "not_entailment"]).entail(PAIRS[:1])

        assert found.entailment == pytest.approx(1.0 - turned.entailment, abs=1e-6)

    def test_that_are_given_take_precedence(self, checkpoint: str) -> None:
        [found] = judge_of(checkpoint).entail(PAIRS[:1])
        [turned] = judge_of(checkpoint, labels="entailment,neutral,contradiction").entail(PAIRS[:1])

        assert turned.entailment == pytest.approx(found.contradiction)


class TestBadCheckpoints:
    def test_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "model").write_text("")
        with pytest.raises(ModPluralError, match="model: is a file, expected the folder of a checkpoint"):
            judge_of(tmp_path / "model")

    def test_a_folder_of_something_else(self, tmp_path: Path) -> None:
        with pytest.raises(ModPluralError, match=r"holds no config\.json"):
            judge_of(tmp_path)

    def test_no_weights(self, checkpoint: str, tmp_path: Path) -> None:
        copy = copy_of(checkpoint, tmp_path / "copy")
        (copy / "model.safetensors").unlink()
        with pytest.raises(ModPluralError, match=r"copy: holds no weights, expected model\.safetensors or"):
            judge_of(copy)

    def test_broken_weights(self, checkpoint: str, tmp_path: Path) -> None:
        copy = copy_of(checkpoint, tmp_path / "copy")
        (copy / "model.safetensors").write_bytes(b"not weights at all")
        with pytest.raises(ModPluralError, match=r"judge copy: cannot be loaded \(.*[Ee]rror"):
            judge_of(copy).entail(PAIRS)

    def test_a_config_that_is_no_json(self, checkpoint: str, tmp_path: Path) -> None:
        copy = copy_of(checkpoint, tmp_path / "copy")
        (copy / "config.json").write_text("{")
        with pytest.raises(ModPluralError, match="judge copy: cannot be loaded"):
            judge_of(copy)

    def test_an_encoder_without_a_head_is_not_given_a_random_one(self, tmp_path: Path) -> None:
        names = {"id2label": dict(enumerate(tiny_checkpoints.LABELS))}
        bare = copy_of(tiny_checkpoints.encoder(tmp_path / "encoder"), tmp_path / "bare", **names)
        judge = judge_of(bare, labels="contradiction,neutral,entailment")

        with pytest.raises(ModPluralError, match=r"holds no weights for .*expected a checkpoint trained for sequence"):
            judge.entail(PAIRS)

    def test_no_tokenizer(self, checkpoint: str, tmp_path: Path) -> None:
        copy = copy_of(checkpoint, tmp_path / "copy")
        for file in copy.glob("*token*"):
            file.unlink()
        with pytest.raises(
            ModPluralError, match="its tokenizer has 5 entries and its model 89; expected the tokenizer"
        ):
            judge_of(copy)

    def test_a_sentencepiece_tokenizer_without_its_packages(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = Path(tiny_checkpoints.classifier(tmp_path, kind="deberta"))
        (path / "tokenizer.json").unlink()
        (path / "spm.model").write_bytes(b"\x0a\x0e\x0a\x05[PAD]\x15\x00")
        monkeypatch.setattr("plural_tasks.judges.checkpoint.find_spec", lambda name: None)
        with pytest.raises(ModPluralError, match="may need packages: pip install sentencepiece protobuf"):
            judge_of(path)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"batch_size": 0}, "batch_size is 0, expected a whole number of at least 1"),
        ({"batch_size": 2.5}, "batch_size is 2.5"),
        ({"batch_size": True}, "batch_size is True"),
        ({"max_length": 3}, "max_length is 3, expected a whole number of at least 8"),
        ({"dtype": "float23"}, r"unknown dtype 'float23'. Did you mean 'float32'\?"),
        ({"device": "quantum"}, "device 'quantum' cannot be used"),
    ],
)
def test_options_that_cannot_be(checkpoint: str, option: dict[str, Any], message: str) -> None:
    with pytest.raises(ModPluralError, match=message):
        judge_of(checkpoint, **option)


@pytest.mark.parametrize(
    ("given", "device", "size"),
    [(None, "cpu", 8), (None, "cuda", 64), (None, "cuda:1", 64), (3, "cpu", 3), (3, "cuda", 3)],
)
def test_batches_are_small_on_a_cpu(given: int | None, device: str, size: int) -> None:
    assert pick_batch_size(given, device, on_cpu=8, elsewhere=64) == size


class TestCache:
    def test_a_killed_run_loses_a_batch_at_most(self, checkpoint: str, tmp_path: Path) -> None:
        first = judge_of(checkpoint, batch_size=2, cache=tmp_path / "judged.db")
        forward, done = first._forward, []

        def interrupted(batch: list[tuple[str, str]]) -> Any:
            if len(done) == 2:
                raise KeyboardInterrupt
            done.append(batch)
            return forward(batch)

        first._forward = interrupted  # type: ignore[method-assign]
        with pytest.raises(KeyboardInterrupt):
            first.entail(PAIRS)

        second = judge_of(checkpoint, batch_size=2, cache=tmp_path / "judged.db")
        found = second.entail(PAIRS)

        assert (second.counts.remembered, second.counts.computed) == (4, 1)
        expected = judge_of(checkpoint).entail(PAIRS)
        assert [one.entailment for one in found] == pytest.approx([one.entailment for one in expected], abs=1e-5)

    def test_a_full_cache_needs_no_weights(self, checkpoint: str, tmp_path: Path) -> None:
        first = judge_of(checkpoint, cache=tmp_path / "judged.db").entail(PAIRS)
        judge = judge_of(checkpoint, cache=tmp_path / "judged.db")

        assert judge.entail(PAIRS) == first
        assert "_model" not in vars(judge)

    def test_what_changes_the_judgement_changes_the_key(self, checkpoint: str, tmp_path: Path) -> None:
        cache = tmp_path / "judged.db"
        judge_of(checkpoint, cache=cache).entail(PAIRS[:1])
        other = tiny_checkpoints.classifier(tmp_path / "other", seed=1)

        for judge in (
            judge_of(other, cache=cache),
            judge_of(checkpoint, cache=cache, dtype="bfloat16"),
            judge_of(checkpoint, cache=cache, max_length=9),
            judge_of(checkpoint, cache=cache, labels="entailment,neutral,contradiction"),
        ):
            judge.entail(PAIRS[:1])
            assert judge.counts.remembered == 0
        assert judge_of(checkpoint, cache=cache, batch_size=1).entail(PAIRS[:1]) is not None

    def test_pairs_have_a_direction(self, checkpoint: str, tmp_path: Path) -> None:
        judge = judge_of(checkpoint, cache=tmp_path / "judged.db")
        judge.entail([("a", "bc")])
        judge.entail([("bc", "a"), ("ab", "c")])

        assert judge.counts.remembered == 0

    def test_unknown_scores_stay_unknown(self, tmp_path: Path) -> None:
        path = tiny_checkpoints.classifier(tmp_path / "two", labels=("entailment", "not_entailment"))
        judge_of(path, cache=tmp_path / "judged.db").entail(PAIRS)
        again = judge_of(path, cache=tmp_path / "judged.db")

        assert all(math.isnan(found.neutral) and math.isnan(found.contradiction) for found in again.entail(PAIRS))
        assert again.counts.remembered == len(PAIRS)

    def test_more_pairs_than_one_query_holds(self, tmp_path: Path) -> None:
        from plural_tasks.judges import Entailment

        cache = JudgementCache(tmp_path / "deep" / "judged.db", {"judge": 1})
        judged = [((str(number), ""), Entailment(number / 2000)) for number in range(1201)]
        cache.put(judged)
        cache.put(judged[:3])
        found = cache.get([pair for pair, _ in judged])

        assert len(cache) == 1201
        assert {pair: one.entailment for pair, one in found.items()} == {pair: one.entailment for pair, one in judged}

    def test_a_foreign_file_is_left_alone(self, checkpoint: str, tmp_path: Path) -> None:
        import sqlite3

        text, other = tmp_path / "notes.txt", tmp_path / "other.db"
        text.write_text("not a database, but long enough to be read as a page header" * 9)
        with sqlite3.connect(other) as database:
            database.execute("CREATE TABLE messages (key TEXT)")

        with pytest.raises(ModPluralError, match=r"notes\.txt: cannot be used as a cache"):
            judge_of(checkpoint, cache=text)
        with pytest.raises(ModPluralError, match=r"other\.db: is another program's SQLite file"):
            judge_of(checkpoint, cache=other)
        with pytest.raises(ModPluralError, match="cannot be used as a cache"):
            judge_of(checkpoint, cache=tmp_path)

    @pytest.mark.slow
    def test_a_process_that_is_killed(self, checkpoint: str, tmp_path: Path) -> None:
        code = (
            "import os, signal, sys\n"
            "from plural_tasks.judges.nli import NLIJudge\n"
            "judge = NLIJudge(sys.argv[1], device='cpu', batch_size=2, cache=sys.argv[2])\n"
            "forward, calls = judge._forward, []\n"
            "def killed(batch):\n"
            "    calls.append(batch)\n"
            "    if len(calls) == 3: os.kill(os.getpid(), signal.SIGKILL)\n"
            "    return forward(batch)\n"
            "judge._forward = killed\n"
            f"judge.entail({PAIRS!r})\n"
        )
        cache = tmp_path / "judged.db"
        done = subprocess.run([sys.executable, "-c", code, checkpoint, str(cache)], capture_output=True, check=False)
        assert done.returncode == -9

        judge = judge_of(checkpoint, batch_size=2, cache=cache)
        judge.entail(PAIRS)
        assert (judge.counts.remembered, judge.counts.computed) == (4, 1)
