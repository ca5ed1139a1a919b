"""What the harness asks of a model beside answers."""

import json
import pickle

import pytest

from model_wrappers.base.chat import ChatStr, text_of, with_text
from model_wrappers.base.llm import BaseLLM
from model_wrappers.collaboration.query import visible
from model_wrappers.collaboration.trace import read_trace
from plural_tasks.utils.errors import ModPluralError
from tests.model_wrappers.helpers import doc, model, requests


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global CachingLM, ScriptedLM, ModPluralLM
    from lm_eval.api.model import CachingLM

    from model_wrappers.base.scripted import ScriptedLM
    from model_wrappers.lm import ModPluralLM


def test_the_response_cache_is_refused_for_its_key_is_the_prompt_alone(tmp_path) -> None:
    lm, base, _ = model(tmp_path)
    with pytest.raises(ModPluralError, match=r"--use_cache: its key is the prompt alone.*leave it out"):
        CachingLM(lm, str(tmp_path / "cache.db"))
    assert base.calls == []


def test_facts_are_the_base_models_and_the_tokenizer_is_marked(tmp_path) -> None:
    lm, base, _ = model(tmp_path)
    assert lm.tokenizer_name == "modplural__scripted"
    assert (lm.rank, lm.world_size) == (0, 1)
    assert lm.gather_object("x") == ["x"]
    assert lm.chat_template(True) == "scripted"
    assert lm.calls is base.calls
    with pytest.raises(AttributeError):
        _ = lm.nothing_of_the_kind


def test_model_info_is_json_and_names_what_decides_the_answers(tmp_path) -> None:
    lm, _, _ = model(tmp_path, weights="3+1", messages_per_community=2, seed=5)
    lm.generate_until(requests([doc("overton")], "generate_until"))
    info = json.loads(json.dumps(lm.get_model_info()))["modplural"]
    assert info["weights"] == {"left": 0.75, "right": 0.25}
    assert info["message_counts"] == {
        "requested": 4,
        "found": 0,
        "generated": 4,
        "tokens": info["message_counts"]["tokens"],
    }
    assert info["seed"] == 5
    assert len(info["pool_fingerprint"]) == len(info["prompts_digest"]) == 64


def test_the_harness_options_reach_the_base_and_model_arguments_win() -> None:
    given = {"base": "scripted", "message_engine": "scripted", "messages": "none", "chat": False}
    lm = ModPluralLM.create_from_arg_obj(given, {"batch_size": 1, "device": "cuda:0", "max_batch_size": None})
    assert isinstance(lm.base.model, ScriptedLM)
    with pytest.raises(NotImplementedError):
        lm.apply_chat_template([{"role": "user", "content": "hi"}])
    text = ModPluralLM.create_from_arg_string(
        "base=scripted,message_engine=scripted,messages=none,seed=9", {"batch_size": 2}
    )
    assert text.session.communities.seed == 9


def test_results_are_named_after_the_default_model(monkeypatch) -> None:
    made = {}
    monkeypatch.setattr(
        "model_wrappers.lm.build_base", lambda name, given, unchecked: made.update(given) or BaseLLM(ScriptedLM())
    )
    given = {"messages": "none", "message_engine": "scripted"}
    ModPluralLM.create_from_arg_obj(given, {"batch_size": 4})
    assert given["pretrained"] == made["pretrained"] == "embedded_reader"
    assert made["batch_size"] == 4


def test_the_default_seed_is_the_harness_seed_of_torch(tmp_path) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(77)
    assert model(tmp_path)[0].session.communities.seed == 77


def test_trace_has_one_line_for_each_document_and_keeps_earlier_runs(tmp_path) -> None:
    path = tmp_path / "deep" / "trace.jsonl"
    documents = [doc("distributional"), doc("steerable", 1, question="One line?\u2028Or two?")]
    for _ in range(2):
        lm, _, _ = model(tmp_path, trace=str(path), base=ScriptedLM(replies=lambda prompt: "2"))
        lm.loglikelihood(requests(documents, "loglikelihood"))
    assert [record["id"] for record in read_trace(path)] == ["distributional-0", "steerable-1"] * 2
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]
    assert [line["id"] for line in lines] == ["distributional-0", "steerable-1"] * 2
    assert len({line["run_id"] for line in lines}) == 2
    mixed, steered = lines[:2]
    assert [message["community"] for message in mixed["messages"]] == ["left", "right"]
    assert [row["weight"] for row in mixed["distributions"]] == [0.5, 0.5]
    assert sum(mixed["distribution"]) == pytest.approx(1.0)
    assert (steered["selected"], steered["select_reply"]) == ("right", "2")
    assert all(message["tokens"] > 0 for message in mixed["messages"])
    assert "gold" not in json.dumps(lines)


def test_only_documents_of_modplural_show_fields() -> None:
    assert visible({"question": {"stem": "x"}, "options": 4}) == {}
    assert visible(doc("overton")) == {
        "id": "overton-0",
        "mode": "overton",
        "question": "Should bridge 0 be built?",
        "attribute": "",
        "options": [],
    }


def test_chat_prompts_survive_pickling_and_keep_few_shot_turns(tmp_path) -> None:
    lm, _, _ = model(tmp_path)
    turns = [
        {"role": "user", "content": "first?"},
        {"role": "assistant", "content": "yes"},
        {"role": "user", "content": "second?"},
    ]
    prompt = pickle.loads(pickle.dumps(lm.apply_chat_template(turns)))
    assert isinstance(prompt, ChatStr)
    assert text_of(prompt) == "second?"
    changed = with_text(prompt, "third?", lm.base)
    assert str(changed) == "<user> first?\n<assistant> yes\n<user> third?\n<assistant> "
    assert str(prompt).endswith("second?\n<assistant> ")


def test_a_prefilled_answer_stays_at_the_end(tmp_path) -> None:
    lm, _, _ = model(tmp_path)
    turns = [{"role": "user", "content": "well?"}, {"role": "assistant", "content": "The answer is"}]
    prompt = lm.apply_chat_template(turns, add_generation_prompt=False)
    assert str(with_text(prompt, "now?", lm.base)) == "<user> now?\n<assistant> The answer is"


def test_api_prompts_are_rebuilt_as_api_prompts(tmp_path) -> None:
    from lm_eval.models.api_models import JsonChatStr

    class Api(ScriptedLM):
        def apply_chat_template(self, chat_history, add_generation_prompt=True):
            return JsonChatStr(json.dumps(chat_history))

    lm, base, _ = model(tmp_path, base=Api(replies=lambda prompt: "fine"))
    prompt = lm.apply_chat_template([{"role": "user", "content": "Build it?"}])
    lm.generate_until(requests([doc("overton")], "generate_until", context=lambda _: prompt))
    final = base.calls[-1][1][0]
    assert isinstance(final, JsonChatStr)
    (turn,) = json.loads(final.prompt)
    assert turn["role"] == "user"
    assert turn["content"].endswith("Build it?")
    assert "different communities" in turn["content"]


def test_scripted_models_run_out(tmp_path) -> None:
    lm, _, _ = model(tmp_path, base=ScriptedLM(replies=[]))
    with pytest.raises(ModPluralError, match="no reply is left"):
        lm.generate_until(requests([doc("overton")], "generate_until"))
    lm, _, _ = model(tmp_path, script={"left": ["one"], "right": []})
    with pytest.raises(ModPluralError, match="no line is left for community 'right'"):
        lm.generate_until(requests([doc("overton")], "generate_until"))
