"""Reading the harness's output: what is found, what is refused, how runs are told apart."""

import json
import math
from dataclasses import replace

import pytest

from plural_tasks.report.reading.facts import Facts, tell_apart
from plural_tasks.report.reading.runs import find_results, read_run, read_runs
from plural_tasks.utils.errors import ModPluralError
from tests.plural_tasks.report.report_runs import DATE, MODPLURAL, TASK, doc, sample, steerable, task, write_run

RIGHT = [1.0, 1.0, 1.0, 0.0]


def whole(folder, **others):
    return write_run(folder, {TASK: task(steerable(RIGHT))}, **others)


def test_a_run_is_read_with_its_documents(tmp_path) -> None:
    path = whole(tmp_path / "a", config={"model": "modplural", "modplural": MODPLURAL, "limit": 4.0})
    run = read_run(path)
    read = run.tasks[TASK]
    assert [document.id for document in read.documents] == ["d1", "d2", "d3", "d4"]
    assert [document.cluster for document in read.documents] == ["q1", "q1", "q2", "q2"]
    assert [document.values["accuracy"] for document in read.documents] == RIGHT
    assert read.documents[1].fields["category"] == "sex"
    assert "question" not in read.documents[0].fields
    assert (read.mode, read.version, read.original, read.reported["accuracy"]) == ("steerable", "1.0", 4, 0.75)
    facts = run.facts
    assert (facts.model, facts.method, facts.pool, facts.seed) == ("org/tiny", "modplural", "village", 7)
    assert (facts.fallbacks, facts.limit, facts.date) == ({"selection": 2}, 4.0, "2026-11-20T12:00:00Z")


def test_a_folder_is_searched_and_each_results_file_is_a_run(tmp_path) -> None:
    whole(tmp_path / "deep" / "org__tiny", date="2026-11-21T08-00-00")  # no microseconds
    whole(tmp_path / "org__tiny")
    (tmp_path / "trace.json").write_text("{}", encoding="utf-8")
    assert [path.name for path in find_results(tmp_path)] == [
        f"results_{DATE}.json",
        "results_2026-11-21T08-00-00.json",
    ]
    assert len(read_runs([str(tmp_path)])) == 2
    (newest,) = read_runs([f"best={tmp_path}"], newest=True)
    assert (newest.label, newest.path.name) == ("best", "results_2026-11-21T08-00-00.json")
    with pytest.raises(ModPluralError, match=r"the label stands for one run, but .* holds 2 results files.*--newest"):
        read_runs([f"best={tmp_path}"])


def test_a_path_with_a_sign_is_no_label(tmp_path) -> None:
    path = whole(tmp_path / "lr=3")
    assert read_runs([str(path)])[0].label == "tiny"
    assert read_runs([f"x={path}"])[0].label == "x"
    with pytest.raises(ModPluralError, match="expected PATH or label=PATH"):
        read_runs([f"={path}/gone"])


def test_places_without_a_run_are_refused(tmp_path) -> None:
    with pytest.raises(ModPluralError, match="no such file or folder"):
        read_runs([str(tmp_path / "gone")])
    with pytest.raises(ModPluralError, match="holds no results file"):
        read_runs([str(tmp_path)])
    path = whole(tmp_path / "a")
    with pytest.raises(ModPluralError, match="is named twice"):
        read_runs([str(path), str(tmp_path)])


def test_runs_get_labels_that_tell_them_apart() -> None:
    plain = Facts(model="org/tiny", backend="hf", date="2026-01-01")
    ours = Facts(model="org/tiny", backend="modplural", method="moe", pool="village", seed=1)
    assert tell_apart([plain, ours], ["", ""]) == ["tiny", "moe"]
    other_model = Facts(model="org/big", backend="modplural", method="moe", pool="village", seed=1)
    assert tell_apart([ours, other_model], ["", ""]) == ["moe, tiny", "moe, big"]
    other_seed = Facts(model="org/tiny", backend="modplural", method="moe", pool="village", seed=2)
    assert tell_apart([ours, other_seed], ["", ""]) == ["moe, seed 1", "moe, seed 2"]
    by_route = [replace(ours, elicitation=route) for route in ("logprob", "sample")]
    assert tell_apart(by_route, ["", ""]) == ["moe, elicitation logprob", "moe, elicitation sample"]
    assert tell_apart([ours, ours, plain], ["", "", "moe"]) == ["moe #2", "moe #3", "moe"]
    with pytest.raises(ModPluralError, match="label 'a' was given to two runs"):
        tell_apart([ours, plain], ["a", "a"])


def test_forgotten_samples_are_named(tmp_path) -> None:
    path = whole(tmp_path)
    (tmp_path / f"samples_{TASK}_{DATE}.jsonl").unlink()
    with pytest.raises(ModPluralError, match=f"samples of task '{TASK}' are missing.*--log_samples"):
        read_run(path)


def test_a_results_file_that_was_renamed_takes_the_only_samples(tmp_path) -> None:
    path = whole(tmp_path).rename(tmp_path / "mine.json")
    assert read_run(path).tasks[TASK].samples.name == f"samples_{TASK}_{DATE}.jsonl"
    (tmp_path / f"samples_{TASK}_other_{DATE}.jsonl").write_text("", encoding="utf-8")  # of another task
    assert read_run(path).tasks[TASK].samples.name == f"samples_{TASK}_{DATE}.jsonl"
    (tmp_path / f"samples_{TASK}_2026-12-01T00-00-00.jsonl").write_text("", encoding="utf-8")
    with pytest.raises(ModPluralError, match=r"2 samples files of task .* no date"):
        read_run(path)


def test_broken_results_are_named_with_their_place(tmp_path) -> None:
    path = tmp_path / f"results_{DATE}.json"
    path.write_text('{"results": {', encoding="utf-8")
    with pytest.raises(ModPluralError, match=r"results_.*\.json:1:\d+: malformed JSON"):
        read_runs([str(tmp_path)])
    path.write_text("[]", encoding="utf-8")
    with pytest.raises(ModPluralError, match="is no results file of lm-eval"):
        read_run(path)
    path.write_text(json.dumps({part: {} for part in ("results", "configs", "config", "versions")}), encoding="utf-8")
    with pytest.raises(ModPluralError, match="holds no result of any task"):
        read_run(path)


def spoilt(tmp_path, change) -> str:
    path = whole(tmp_path)
    samples = tmp_path / f"samples_{TASK}_{DATE}.jsonl"
    samples.write_bytes(change(samples.read_bytes()))
    with pytest.raises(ModPluralError) as caught:
        read_run(path)
    return str(caught.value)


def test_a_samples_file_cut_within_a_line(tmp_path) -> None:
    assert f"samples_{TASK}_{DATE}.jsonl:4: is not a JSON line; the file is cut" in spoilt(tmp_path, lambda b: b[:-30])


def test_a_samples_file_cut_between_lines(tmp_path) -> None:
    told = spoilt(tmp_path, lambda content: b"".join(content.splitlines(keepends=True)[:3]))
    assert f"holds 3 documents, but results_{DATE}.json states 4 documents; the file is cut" in told


def test_an_empty_samples_file(tmp_path) -> None:
    assert "holds 0 documents" in spoilt(tmp_path, lambda content: b"")


def test_two_samples_files_in_one(tmp_path) -> None:
    assert "document 0 is there twice" in spoilt(tmp_path, lambda content: content + content)


def test_lines_that_are_no_samples(tmp_path) -> None:
    assert ":1: is no sample of lm-eval" in spoilt(tmp_path, lambda content: b'{"doc_id": 0}\n' + content)
    assert ":1: is no sample of lm-eval" in spoilt(tmp_path, lambda content: b"[]\n" + content)
    assert ":1: is not a JSON line" in spoilt(tmp_path, lambda content: b"\xff\n" + content)


def test_samples_of_another_run(tmp_path) -> None:
    told = spoilt(tmp_path, lambda content: content.replace(b'"d4"', b'"d9"').replace(sha_of("d4"), b"0" * 64))
    assert f"does not belong to results_{DATE}.json" in told


def sha_of(name: str) -> bytes:
    return next(s["doc_hash"] for s in steerable(RIGHT) if s["doc"]["id"] == name).encode()


def test_every_filter_keeps_its_figures(tmp_path) -> None:
    """Two filters of one task, as gsm8k has them: the first gives the plain names."""
    samples = [
        sample(number, doc(f"d{number}", f"q{number}"), {"accuracy": value}, chosen=chosen)
        for chosen, values in (("strict", (0.0, 0.0)), ("flexible", (1.0, 0.0)))
        for number, value in enumerate(values)
    ]
    read = read_run(write_run(tmp_path, {TASK: task(samples)})).tasks[TASK]
    assert [document.values for document in read.documents] == [
        {"accuracy": 0.0, "accuracy,flexible": 1.0},
        {"accuracy": 0.0, "accuracy,flexible": 0.0},
    ]
    assert (read.reported["accuracy"], read.reported["accuracy,flexible"]) == (0.0, 0.5)


def test_documents_without_ids_of_their_own_go_by_number(tmp_path) -> None:
    plain = [sample(number, {"text": f"t{number}"}, {"acc": 1.0}) for number in range(2)]
    assert [d.id for d in read_run(write_run(tmp_path / "a", {"t": task(plain)})).tasks["t"].documents] == ["#0", "#1"]
    same = [sample(number, {"id": "x", "text": f"t{number}"}, {"acc": 1.0}) for number in range(2)]
    read = read_run(write_run(tmp_path / "b", {"t": task(same)})).tasks["t"]
    assert [(d.id, d.cluster) for d in read.documents] == [("#0", "#0"), ("#1", "#1")]
    assert read.mode == ""


def test_nan_is_read_as_the_harness_writes_it(tmp_path) -> None:
    path = write_run(tmp_path, {TASK: task(steerable([1.0, math.nan, 1.0, 0.0]))})
    assert "NaN" in (tmp_path / f"samples_{TASK}_{DATE}.jsonl").read_text(encoding="utf-8")
    assert math.isnan(read_run(path).tasks[TASK].documents[1].values["accuracy"])


def test_samples_are_no_results_file(tmp_path) -> None:
    path = tmp_path / "samples_x_2026-11-20T12-00-00.jsonl"
    path.write_text("{}\n", encoding="utf-8")
    with pytest.raises(ModPluralError, match="holds samples; name the results file beside it"):
        read_runs([str(path)])


def test_a_run_without_a_limit_is_a_full_run() -> None:
    runs = [Facts("m", "hf", limit=limit) for limit in (None, 4.0)]
    assert tell_apart(runs, ["", ""]) == ["m, full run", "m, limit 4"]
