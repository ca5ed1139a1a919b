"""The LLM judge: both orders, nothing asked twice, and the command around it."""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from typer.testing import CliRunner

from model_wrappers.base.llm import BaseLLM
from model_wrappers.cli.app import app
from model_wrappers.collaboration.prompts import prompt_set_names
from model_wrappers.judging import judge as pairwise
from model_wrappers.judging.judge import PairJudge, build_judge, judge_identity
from model_wrappers.judging.prompts import SLOTS, judge_prompt_names, load_judge_prompt
from model_wrappers.judging.verdict_log import VerdictLog, reply_key
from plural_tasks.pairwise import Pair
from plural_tasks.utils.errors import ModPluralError
from tests.plural_tasks.pairwise.test_pairwise import record, samples


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global ScriptedLM
    from model_wrappers.base.scripted import ScriptedLM


runner = CliRunner()
PAIRS = [
    Pair(f"ov-{number}", f"bridge {number}", f"c{number}", f"long {number} x", f"short {number}") for number in range(4)
]


def invoke(*arguments: str, code: int = 0) -> str:
    result = runner.invoke(app, [str(part) for part in arguments], env={"COLUMNS": "200"})
    assert result.exit_code == code, result.output + repr(result.exception)
    return result.output if result.exception is None or code == 130 else str(result.exception)


def likes_long(prompt: str) -> str:
    """A judge that always finds the answer with "long" in it better, wherever it stands."""
    return "A" if prompt.index("long") < prompt.index("short") else "B"


def judge(base: ScriptedLM, log: VerdictLog | None = None, **changes) -> PairJudge:
    facts = {"name": {"backend": "scripted"}, "prompt": load_judge_prompt("brief"), "max_new_tokens": 16, **changes}
    return PairJudge(base=BaseLLM(base), log=VerdictLog(None) if log is None else log, **facts)


def runs(tmp_path, count: int = 4) -> tuple[str, str]:
    made = []
    for name in ("long", "short"):
        samples(tmp_path / name, *(record(number, f"{name} {number}") for number in range(count)))
        made.append(str(tmp_path / name))
    return made[0], made[1]


# The judge


def test_both_orders_are_asked_and_a_steady_judge_agrees_with_itself() -> None:
    base = ScriptedLM(replies=likes_long)
    judged = judge(base).judge(PAIRS, progress=False)
    assert [(one.ab, one.ba, one.verdict) for one in judged] == [("a", "a", "a")] * 4
    assert [one.cluster for one in judged] == ["c0", "c1", "c2", "c3"]
    assert len(base.calls) == 8
    shown = [re.findall(r"(long|short) \d", prompt) for _, (prompt, _) in base.calls]
    assert shown == [["long", "short"], ["short", "long"]] * 4
    settings = base.calls[0][1][1]
    assert settings == {"until": [], "max_gen_toks": 16, "do_sample": False, "temperature": 0}


def test_a_judge_that_looks_at_the_place_ties_and_is_found_out() -> None:
    judged = judge(ScriptedLM(replies=lambda _: "Verdict: A")).judge(PAIRS, progress=False)
    assert {(one.ab, one.ba, one.verdict, one.lean) for one in judged} == {("a", "b", "tie", 1.0)}


def test_chat_templates_are_used_where_there_are_any() -> None:
    chat, plain = ScriptedLM(replies=likes_long), ScriptedLM(replies=likes_long, chat=False)
    with_chat, without = judge(chat), judge(plain)
    with_chat.judge(PAIRS[:1], progress=False)
    without.judge(PAIRS[:1], progress=False)
    assert (with_chat.chat, without.chat) == (True, False)
    assert chat.calls[0][1][0].startswith("<user> ")
    assert plain.calls[0][1][0].endswith("Verdict:")


def test_what_was_asked_is_not_asked_again(tmp_path) -> None:
    path = tmp_path / "replies.jsonl"
    first = judge(ScriptedLM(replies=likes_long), VerdictLog(path))
    before = first.judge(PAIRS[:2], progress=False)
    base = ScriptedLM(replies=likes_long)
    second = judge(base, VerdictLog(path))
    assert second.judge(PAIRS, progress=False)[:2] == before
    assert (second.found, second.asked, len(base.calls)) == (4, 4, 4)


def test_an_unreadable_reply_is_never_asked_for_again(tmp_path) -> None:
    path = tmp_path / "replies.jsonl"
    judge(ScriptedLM(replies=["", "no idea"]), VerdictLog(path)).judge(PAIRS[:1], progress=False)
    base = ScriptedLM(replies=likes_long)
    judged = judge(base, VerdictLog(path)).judge(PAIRS[:1], progress=False)
    assert (judged[0].ab, judged[0].ba, judged[0].verdict) == ("unreadable",) * 3
    assert base.calls == []


@pytest.mark.parametrize(
    "changes",
    [
        {"name": {"backend": "other"}},
        {"prompt": load_judge_prompt("reasoned")},
        {"max_new_tokens": 17},
    ],
)
def test_another_judge_prompt_or_length_asks_anew(tmp_path, changes) -> None:
    path = tmp_path / "replies.jsonl"
    judge(ScriptedLM(replies=likes_long), VerdictLog(path)).judge(PAIRS[:1], progress=False)
    base = ScriptedLM(replies=likes_long)
    judge(base, VerdictLog(path), **changes).judge(PAIRS[:1], progress=False)
    assert len(base.calls) == 2


def test_another_answer_or_side_asks_anew(tmp_path) -> None:
    path = tmp_path / "replies.jsonl"
    (pair,) = PAIRS[:1]
    judge(ScriptedLM(replies=likes_long), VerdictLog(path)).judge([pair], progress=False)
    for other in (Pair(pair.id, pair.situation, pair.cluster, pair.a + "!", pair.b), PAIRS[1]):
        base = ScriptedLM(replies=likes_long)
        judge(base, VerdictLog(path)).judge([other], progress=False)
        assert len(base.calls) == 2


def test_the_key_of_a_reply_holds_everything_that_decides_it() -> None:
    parts = {"judge": {"backend": "x"}, "prompt": "p", "pair": "d", "order": "ab"}
    others = {"judge": {"backend": "y"}, "prompt": "q", "pair": "e", "order": "ba"}
    keys = {reply_key(**parts), *(reply_key(**{**parts, name: other}) for name, other in others.items())}
    assert len(keys) == 5


class Killed(BaseException):
    """Stands for a signal that ends the process."""


def test_a_killed_run_goes_on_and_asks_nothing_twice(tmp_path) -> None:
    path = tmp_path / "replies.jsonl"
    asked: list[str] = []

    def dies(prompt: str) -> str:
        if len(asked) == 5:
            raise Killed
        asked.append(prompt)
        return likes_long(prompt)

    with pytest.raises(Killed):
        judge(ScriptedLM(replies=dies), VerdictLog(path)).judge(PAIRS, progress=False)
    assert len(path.read_text().splitlines()) == 5  # each was written as it came
    path.write_text(path.read_text() + '{"key": "half a li')  # what a kill in the middle of a write leaves
    base = ScriptedLM(replies=likes_long)
    resumed = judge(base, VerdictLog(path)).judge(PAIRS, progress=False)
    assert resumed == judge(ScriptedLM(replies=likes_long)).judge(PAIRS, progress=False)
    later = [str(call[1][0]) for call in base.calls]
    assert len(later) == 3
    assert not set(later) & set(asked)
    assert len(VerdictLog(path)) == 8


def test_questions_are_asked_in_batches_of_the_backend_and_kept_after_each(tmp_path) -> None:
    sizes: list[int] = []

    class Batched(ScriptedLM):
        batch_size = "3"

        def generate_until(self, requests, disable_tqdm=False):
            sizes.append(len(requests))
            if len(sizes) == 3:
                raise RuntimeError("the server went away")
            return super().generate_until(requests)

    path = tmp_path / "replies.jsonl"
    with pytest.raises(ModPluralError, match=r"answer \(RuntimeError: the server went away\). 6 replies are kept"):
        judge(Batched(replies=likes_long), VerdictLog(path)).judge(PAIRS, progress=False)
    assert sizes == [3, 3, 2]
    assert len(VerdictLog(path)) == 6


def test_a_base_that_cannot_generate_is_an_error_of_one_line() -> None:
    class Mute(ScriptedLM):
        def generate_until(self, requests, disable_tqdm=False):
            raise NotImplementedError("no text")

    with pytest.raises(ModPluralError, match=r"Mute\) cannot answer generate_until"):
        judge(Mute()).judge(PAIRS, progress=False)


# The log


def test_a_log_of_something_else_is_refused_and_so_is_a_changed_line(tmp_path) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text('{"task": "t"}\n')
    with pytest.raises(ModPluralError, match=r"other.jsonl:1: is no verdict of modplural judge"):
        VerdictLog(other)
    path = tmp_path / "replies.jsonl"
    judge(ScriptedLM(replies=likes_long), VerdictLog(path)).judge(PAIRS[:1], progress=False)
    path.write_text(path.read_text().replace("bridge 0", "bridge 9"))
    with pytest.raises(ModPluralError, match=r"replies.jsonl:1: the key does not fit"):
        VerdictLog(path)


def test_a_place_that_cannot_be_written_is_noticed_first(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path, tmp_path / "file" / "x.jsonl"):
        with pytest.raises(ModPluralError, match="cannot be"):
            VerdictLog(place)


def test_odd_characters_survive_the_log(tmp_path) -> None:
    path = tmp_path / "replies.jsonl"
    pairs = [Pair("1", 's\u2028\n"', "c", "long \U0001f600", "short \u200f")]
    judge(ScriptedLM(replies=lambda _: "B\u2028"), VerdictLog(path)).judge(pairs, progress=False)
    assert len(VerdictLog(path)) == 2


# Identity and prompts


def test_the_identity_leaves_out_speed_and_secrets_and_names_weights(tmp_path) -> None:
    arguments = {"model": "m", "api_key": "s3cret", "num_concurrent": 8, "batch_size": 4, "max_length": 10}
    assert judge_identity("local-chat-completions", arguments) == {
        "backend": "local-chat-completions",
        "args": {"model": "m", "max_length": 10},
    }
    (tmp_path / "config.json").write_text("{}")
    local = judge_identity("hf", {"pretrained": str(tmp_path), "dtype": "float32"})
    assert local["args"] == {"dtype": "float32"}
    assert set(local["weights"]) == {"sha256"}
    assert judge_identity("hf", {"pretrained": "org/m", "revision": "r"})["weights"] == {
        "repo": "org/m",
        "revision": "r",
    }


def test_shipped_prompts_are_sound_and_are_no_prompt_sets() -> None:
    assert judge_prompt_names() == ("brief", "reasoned")
    assert not set(judge_prompt_names()) & set(prompt_set_names())
    for name in judge_prompt_names():
        text = load_judge_prompt(name).render("the {{ situation }}", "first one", "")
        assert "the {{ situation }}" in text
        assert text.index("first one") < text.index("(This answer is empty.)")
    assert load_judge_prompt("brief").digest() != load_judge_prompt("reasoned").digest()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ situation }} {{ first }}", r"lacks the slot \{\{ second \}\}"),
        ("{{ situation }} {{ first }} {{ second }} {{ firs }}", r"unknown slot 'firs'\. Did you mean 'first'"),
        ("{{ situation", r"field 'prompt', line 1"),
    ],
)
def test_a_prompt_with_a_wrong_slot_is_refused(tmp_path, text, message) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(json.dumps({"name": "mine", "prompt": text}))
    with pytest.raises(ModPluralError, match=message):
        load_judge_prompt(str(path))
    assert {"situation", "first", "second"} == SLOTS


# The command


def test_the_command_prints_and_keeps_the_figures(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(pairwise, "build_base", lambda *_: BaseLLM(ScriptedLM(replies=likes_long)))
    out = tmp_path / "out" / "j.jsonl"
    shown = invoke("judge", *runs(tmp_path), "--task", "t", "--model_args", "base=scripted", "--output", out)
    assert re.search(r"A wins, ties, B wins\W+4, 0, 0", shown)
    assert re.search(r"win rate of A\W+1\.000", shown)
    assert "8 replies asked, 0 found" in shown
    summary = json.loads(out.with_suffix(".json").read_text())
    assert summary["rates"]["win_rate"] == 1.0
    assert summary["orders"] == {"n": 4, "raw": 1.0, "kappa": None}
    assert summary["judge"] == {"backend": "scripted", "args": {}}
    assert [row["verdict"] for row in summary["verdicts"]] == ["a"] * 4
    assert len(out.read_text().splitlines()) == 8
    shown = invoke("judge", *runs(tmp_path), "--task", "t", "--model_args", "base=scripted", "--output", out)
    assert "0 replies asked, 8 found" in shown


def test_the_command_with_replies_from_the_command_line(tmp_path) -> None:
    shown = invoke(
        *("judge", *runs(tmp_path, 1), "--task", "t", "--output", tmp_path / "j.jsonl"),
        *("--model_args", '{"base": "scripted", "replies": ["A", "A"]}'),
    )
    assert re.search(r"A wins, ties, B wins\W+0, 1, 0", shown)
    assert re.search(r"order disagreements\W+1", shown)


def test_the_scripted_base_alone_is_unreadable_and_said_to_be(tmp_path) -> None:
    arguments = ("judge", *runs(tmp_path), "--task", "t", "--model_args", "base=scripted")
    shown = invoke(*arguments, "--output", tmp_path / "j.jsonl")
    assert re.search(r"unreadable replies\W+8\W+of 8", shown)
    assert "More than a quarter of the pairs could not be judged" in shown


def test_a_sample_is_drawn_by_seed(tmp_path) -> None:
    seen = []
    for seed in (1, 1, 2):
        out = tmp_path / f"{len(seen)}.jsonl"
        common = ("--task", "t", "--model_args", "base=scripted", "--limit", "5", "--seed", seed, "--output", out)
        invoke("judge", *runs(tmp_path, 40), *common)
        seen.append([row["id"] for row in json.loads(out.with_suffix(".json").read_text())["verdicts"]])
    assert len(seen[0]) == 5
    assert seen[0] == seen[1] != seen[2]


def test_an_interruption_says_what_is_kept(tmp_path, monkeypatch) -> None:
    def interrupted(_: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(pairwise, "build_base", lambda *_: BaseLLM(ScriptedLM(replies=interrupted)))
    shown = invoke("judge", *runs(tmp_path), "--task", "t", "--output", tmp_path / "j.jsonl", code=130)
    assert "Interrupted; 0 new replies are kept" in shown


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (("--output", "x.json"), "expected a file name that ends with .jsonl"),
        (("--prompts", "breif"), "unknown judge prompt 'breif'. Did you mean 'brief'"),
        (("--limit", "5"), "--limit: found 5, expected 1 to 4"),
        (("--model_args", "base=scripte"), "unknown base LLM backend 'scripte'. Did you mean 'scripted'"),
        (("--model_args", "base=scripted,base_args=3"), "base_args is 3"),
        (("--task", "tt"), "unknown task 'tt'"),
        (("--model_args", "{'base'"), "--model_args: found"),
    ],
)
def test_wrong_input_is_one_clear_error(tmp_path, monkeypatch, extra, message) -> None:
    monkeypatch.chdir(tmp_path)
    assert message in invoke("judge", *runs(tmp_path), "--task", "t", *extra, code=1)


# A judge behind a server


class Handler(BaseHTTPRequestHandler):
    """Answers chat completions as `likes_long` does."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(asked)  # type: ignore[attr-defined]
        text = f"Verdict: {likes_long(asked['messages'][-1]['content'])}"
        body = json.dumps({"choices": [{"index": 0, "message": {"role": "assistant", "content": text}}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.mark.parametrize("concurrent", [1, 3])
def test_a_judge_behind_a_chat_api(tmp_path, capsys, concurrent) -> None:
    pytest.importorskip("tenacity", reason="the harness's API backends need lm_eval[api]")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.asked = []  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/v1/chat/completions"
        arguments = {"base": "local-chat-completions", "model": "m", "base_url": url, "tokenizer_backend": "None"}
        made = build_judge(
            {**arguments, "num_concurrent": concurrent, "max_retries": 1},
            load_judge_prompt("brief"),
            tmp_path / "j.jsonl",
        )
        judged = made.judge(PAIRS, progress=False)
        server.shutdown()
    assert [(one.ab, one.ba) for one in judged] == [("a", "a")] * 4
    assert made.chat is True
    assert len(server.asked) == 8  # type: ignore[attr-defined]
    assert {one["max_tokens"] for one in server.asked} == {16}  # type: ignore[attr-defined]
    assert "Requesting API" not in capsys.readouterr().err
