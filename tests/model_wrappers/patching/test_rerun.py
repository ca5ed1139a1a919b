"""``modplural pool patch`` from results to report, with the scripted models and real runs of the harness."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from community_lms.messages.store import MessageStore
from community_lms.pools.identity import fingerprint
from model_wrappers.cli.app import app
from plural_tasks.utils.errors import ModPluralError
from tests.model_wrappers.helpers import run_harness
from tests.plural_tasks.report.report_runs import MODPLURAL, TASK, steerable, task, write_run

DISTRIBUTIONAL = "plural_surveys_distributional"
SETTINGS = "base=scripted,message_engine=scripted,pool=perspective,seed=7"
"""Documents of the embedded benchmark, two orders of options each: `asked` depends on them, so keys do, too."""


def lm_eval(folder: Path, arguments: str, *more: str) -> Path:
    """A real run; returns its folder."""
    run_harness(
        [
            *("--model_args", arguments, "--tasks", DISTRIBUTIONAL, "--limit", "80", "--log_samples"),
            *("--metadata", "plural_permutations=2", "--output_path", str(folder / "r.json"), *more),
        ]
    )
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run (``run``) and its store (``m.sqlite``)."""
    folder, argv = tmp_path_factory.mktemp("patch"), sys.argv
    lm_eval(folder / "run", f"{SETTINGS},messages={folder / 'm.sqlite'}")
    sys.argv = argv
    return folder


@pytest.fixture
def source(made: Path, tmp_path: Path) -> Path:
    """A copy of the run, whose store is a copy of its own."""
    folder = tmp_path / "run"
    shutil.copytree(made / "run", folder)
    MessageStore(tmp_path / "m.sqlite").put(MessageStore(made / "m.sqlite").rows())
    (path,) = folder.glob("r_*.json")
    path.write_text(path.read_text().replace(str(made / "m.sqlite"), str(tmp_path / "m.sqlite")))
    return folder


def patch(*arguments: Any, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["pool", "patch", *map(str, arguments)], catch_exceptions=bool(code))
    if code:
        assert isinstance(result.exception, ModPluralError), result.output
        return str(result.exception)
    assert result.exit_code == 0, result.output
    return result.output


def rewrite(source: Path, **changes: Any) -> None:
    """Change what the results say of their run."""
    (path,) = source.glob("r_*.json")
    data = json.loads(path.read_text())
    data["config"].update({name: value for name, value in changes.items() if name not in ("own", "args")})
    data["config"]["modplural"].update(changes.get("own", {}))
    data["config"]["model_args"].update(changes.get("args", {}))
    path.write_text(json.dumps(data))


def test_the_groups_served_worst_are_named(source) -> None:
    shown = patch(source, "--by", "stratum", "--min-documents", "8", "--worst", "2")
    assert "plural_surveys_distributional: js_distance ↓ by stratum" in shown
    assert "less the rest" in shown
    assert "No group has 9000 documents" in patch(source, "--min-documents", "9000")
    assert not list(source.parent.glob("*.md"))


@pytest.mark.slow
def test_a_patch_from_start_to_end(source, tmp_path) -> None:
    out, argv = tmp_path / "out", sys.argv
    arguments = (
        source,
        "--by",
        "stratum",
        "--add",
        "asia_culture",
        "--remove",
        "reddit_center",
        "--to-group",
        "Europe",
    )
    shown = patch(*arguments, "--out", out)
    report = json.loads((out / "report.json").read_text())

    # Only the new community was asked: of seven communities that have spoken by now, all as often.
    asked = len(MessageStore(tmp_path / "m.sqlite")) // 7
    assert report["messages"]["asia_culture"] == {"needed": asked, "found": 0}
    kept = ("news_left", "news_center", "news_right", "reddit_left", "reddit_right")
    assert all(report["messages"][name] == {"needed": asked, "found": asked} for name in kept)
    counts = report["counts"]
    assert (counts["requested"], counts["found"], counts["generated"]) == (6 * asked, 5 * asked, asked)
    assert report["pools"]["after"]["pool"] == "perspective-reddit_center+asia_culture"
    assert (report["added"], report["removed"]) == (["asia_culture"], ["reddit_center"])

    # The same figures as of a run that lm_eval makes with this pool.
    lm_eval(
        tmp_path / "own", f"{SETTINGS.replace('perspective', 'perspective-reddit_center+asia_culture')},messages=none"
    )
    sys.argv = argv
    (own,) = (tmp_path / "own").glob("r_*.json")
    whole = next(effect for effect in report["effects"] if effect["group"] == "")
    results = json.loads(own.read_text())["results"][DISTRIBUTIONAL]
    assert whole["after"] == pytest.approx(results["js_distance,none"])
    (before,) = source.glob("r_*.json")
    assert whole["before"] == pytest.approx(
        json.loads(before.read_text())["results"][DISTRIBUTIONAL]["js_distance,none"]
    )
    assert whole["n"] == 80
    groups = {effect["group"]: effect for effect in report["effects"] if effect["group"]}
    assert [name for name, effect in groups.items() if effect["patched"]] == ["Europe"]
    assert sum(effect["n"] for effect in groups.values()) == 80

    text = (out / "report.md").read_text()
    assert text.startswith("# Pool perspective patched: +asia_culture -reddit_center\n")
    assert "| **Europe** (patched) |" in text
    assert "asia_culture" in shown
    assert f"{asked} were asked for" in text
    assert "picked because it fared worst" not in text


def test_a_second_call_takes_the_results_that_are_there(source, tmp_path, monkeypatch) -> None:
    out = tmp_path / "out"
    arguments = (source, "--by", "stratum", "--add", "asia_culture", "--min-documents", "8", "--out", out)
    patch(*arguments)
    first = json.loads((out / "report.json").read_text())
    assert "picked because it fared worst" in (out / "report.md").read_text()

    def never(*_: object) -> None:
        raise AssertionError("the run was made again")

    monkeypatch.setattr("model_wrappers.patching.rerun._evaluate", never)
    assert "earlier call" in patch(*arguments)
    second = json.loads((out / "report.json").read_text())
    assert first["reused"] is False
    assert second == first | {"reused": True}
    assert "this folder holds a run with other settings" in patch(*arguments, "--limit", "40", code=1)
    assert "this folder holds a run with other settings" in patch(*arguments, "--remove", "news_left", code=1)
    (samples,) = source.glob("samples_*.jsonl")
    samples.write_text(samples.read_text().replace('"filter": "none"', '"filter":  "none"'))  # another run before
    assert "this folder holds a run with other settings" in patch(*arguments, code=1)


@pytest.mark.slow
def test_an_interrupted_run_goes_on_from_the_store(source, tmp_path, monkeypatch) -> None:
    import model_wrappers.patching.rerun as module

    out = tmp_path / "out"
    arguments = (source, "--add", "asia_culture", "--by", "stratum", "--to-group", "Asia", "--out", out)
    real = module.read_run

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "read_run", stopped)
    result = CliRunner().invoke(app, ["pool", "patch", *map(str, arguments)])
    assert result.exit_code == 130
    assert not (out / "run.json").exists()
    monkeypatch.setattr(module, "read_run", real)
    patch(*arguments)
    assert json.loads((out / "report.json").read_text())["counts"]["generated"] == 0


@pytest.mark.slow
def test_a_subset_asks_only_the_patched_groups_documents(source, tmp_path) -> None:
    out = tmp_path / "out"
    arguments = (source, "--by", "stratum", "--add", "asia_culture", "--to-group", "Europe", "--out", out)
    patch(*arguments, "--subset", "--limit", "9")
    report = json.loads((out / "report.json").read_text())
    assert [(effect["group"], effect["n"]) for effect in report["effects"]] == [("", 9), ("Europe", 9)]
    (samples,) = out.glob("samples_*.jsonl")
    strata = [json.loads(line)["doc"]["stratum"] for line in samples.read_text().splitlines()]
    assert strata == ["Europe"] * 9
    patch(*arguments[:-1], tmp_path / "whole")
    assert figures(out).items() <= figures(tmp_path / "whole").items()


def figures(folder: Path) -> dict[str, float]:
    """js_distance by document."""
    (path,) = folder.glob("samples_*.jsonl")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return {line["doc"]["id"]: line["js_distance"] for line in lines}


def test_a_store_without_the_old_messages_is_refused_unless_they_may_be_asked_again(source, tmp_path) -> None:
    arguments = (source, "--by", "stratum", "--add", "asia_culture", "--to-group", "Europe", "--limit", "5")
    other = MessageStore(tmp_path / "other.sqlite")
    rows = [row for row in MessageStore(tmp_path / "m.sqlite").rows() if row.community != "news_right"]
    other.put(rows)
    said = patch(*arguments, "--messages", tmp_path / "other.sqlite", "--out", tmp_path / "a", code=1)
    assert "other.sqlite lacks messages of communities that stay (news_right " in said
    assert "--ask-missing" in said
    assert "none.sqlite" in patch(*arguments, "--messages", tmp_path / "none.sqlite", "--out", tmp_path / "a", code=1)
    assert "lacks messages" in patch(*arguments, "--messages", "none", "--out", tmp_path / "a", code=1)
    assert not (tmp_path / "a").exists()
    patch(*arguments, "--messages", tmp_path / "other.sqlite", "--ask-missing", "--out", tmp_path / "a")
    counts = json.loads((tmp_path / "a" / "report.json").read_text())["counts"]
    assert counts["generated"] * 7 == counts["requested"] * 2  # news_right and asia_culture, of seven


def test_a_narrowed_and_weighed_pool_stays_so(made, source) -> None:
    from model_wrappers.patching.rerun import patched_arguments
    from plural_tasks.report.reading.runs import read_runs

    chosen = "news_left+news_right+reddit_left"
    from community_lms.pools.pool import load_pool, select

    pool = select(load_pool("perspective"), chosen)
    rewrite(
        source,
        own={"pool_fingerprint": fingerprint(pool)},
        args={"communities": chosen, "weights": "news_left:2+news_right:3"},
    )
    (run,) = read_runs([str(source)])
    arguments, before, after = patched_arguments(run, ["asia_culture", "reddit_right"], ["news_right"])
    assert arguments["pool"] == "perspective+asia_culture"
    assert arguments["communities"] == ["news_left", "reddit_left", "asia_culture", "reddit_right"]
    assert arguments["weights"] == ["news_left:2"]
    assert before.names == tuple(chosen.split("+"))
    assert set(after.names) == {"news_left", "reddit_left", "reddit_right", "asia_culture"}
    rewrite(source, args={"weights": "1+2+3"})
    (run,) = read_runs([str(source)])
    with pytest.raises(ModPluralError, match=r"by position .*give --weights"):
        patched_arguments(run, ["asia_culture"], [])
    assert patched_arguments(run, ["asia_culture"], [], weights="1+2+3+4")[0]["weights"] == "1+2+3+4"


@pytest.mark.parametrize(
    ("changes", "more", "message"),
    [
        ({"model": "hf"}, (), "results of the model 'hf'; expected a run of modplural"),
        ({"own": {"method": "vanilla"}}, (), "method 'vanilla' asks no community"),
        ({"own": {"pool_fingerprint": "0" * 64}}, (), "the pool 'perspective' has changed since this run"),
        ({"own": {"prompts_digest": "0" * 64}}, (), "the prompt set 'default' has changed since"),
        ({}, ("--add", "news_left"), "--add: 'news_left' is in the pool 'perspective' already"),
        ({}, ("--add", "asia_cultur"), "unknown pool 'asia_cultur'. Did you mean 'asia_culture'?"),
        ({}, ("--remove", "news_lft"), "--remove: unknown community 'news_lft'. Did you mean 'news_left'?"),
        ({}, ("--to-group", "Euro"), "--to-group (stratum): unknown group 'Euro'. Did you mean 'Europe'?"),
        ({}, ("--min-documents", "9000", "--add", "asia_culture"), "no group has 9000 documents"),
        ({}, ("--task", "plural"), "--task: unknown task 'plural'"),
    ],
)
def test_bad_input(source, tmp_path, changes, more, message) -> None:
    rewrite(source, **changes)
    given = () if {"--add", "--remove"} & {*more} else ("--add", "asia_culture")
    if "--to-group" not in more and "--min-documents" not in more:
        more = (*more, "--to-group", "Europe")
    assert message in patch(source, "--by", "stratum", *given, *more, "--out", tmp_path / "out", code=1)
    assert not (tmp_path / "out").exists()


def test_options_that_do_not_go_together(source, tmp_path) -> None:
    assert "need --out DIR" in patch(source, "--add", "asia_culture", code=1)
    assert "--subset goes with --add or --remove" in patch(source, "--subset", code=1)
    assert "--out goes with --add or --remove" in patch(source, "--out", tmp_path / "out", code=1)


def test_a_run_without_samples(tmp_path) -> None:
    path = write_run(
        tmp_path, {TASK: task(steerable([1, 0, 1, 0]))}, config={"model": "modplural", "modplural": MODPLURAL}
    )
    for samples in tmp_path.glob("samples_*"):
        samples.unlink()
    assert "lm_eval writes them with --log_samples" in patch(path, code=1)


def test_a_folder_with_two_runs(tmp_path) -> None:
    made = {TASK: task(steerable([1, 0, 1, 0]))}
    write_run(tmp_path, made)
    write_run(tmp_path, made, date="2026-11-21T12-00-00.000001")
    assert "holds 2 results files; name one" in patch(tmp_path, code=1)
