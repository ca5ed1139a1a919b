"""A healthy setup has no fault, and the command says so."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from model_wrappers.cli.app import app
from plural_tasks.utils.errors import ModPluralError
from tests.every import every
from tests.model_wrappers.doctor.setups import arguments, look, write_pool


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global CHECKS, LEVELS, Check, Finding, Visit, NotLookedError, fault
    from model_wrappers.doctor import CHECKS, LEVELS, Check, Finding, Visit
    from model_wrappers.doctor.base import fault
    from model_wrappers.doctor.visit import NotLookedError


runner = CliRunner()


@pytest.mark.slow
def test_everything_is_looked_at_and_found_well(weights, tmp_path) -> None:
    given = arguments(
        tmp_path,
        *("--output_path", str(tmp_path / "out"), "--apply_chat_template", "--metadata", "plural_judge=lexical"),
        tasks="plural_embedded",
        pool=write_pool(tmp_path, weights.base, left=weights.left, right=weights.right),
        message_engine="peft",
        base="hf",
        base_engine="harness",
        pretrained=weights.base,
    )
    shown = runner.invoke(app, ["doctor", "--json", "--methods", "vanilla,modplural", *given], catch_exceptions=False)
    assert shown.exit_code == 0, shown.stdout
    answer = json.loads(shown.stdout)
    assert set(answer["counts"]) == {"ok", "note"}
    found = {(one["area"], one["name"]): one for one in answer["findings"]}
    assert [found["communities", name]["level"] for name in ("left", "right")] == ["ok", "ok"]
    # An Overton document, a steerable one, a distributional one; two of the embedded steerable items ask alike.
    assert found["data", "messages"]["found"] == "6 messages of 2 communities wanted, 0 of them stored"
    assert found["judge", "lexical"]["found"].startswith("lexical judges")
    assert found["base LLM", "distributions"]["level"] == "ok"
    assert found["base LLM", "selection"]["level"] == "ok"
    assert "and the base LLM reads 8,192" in found["base LLM", "longest prompt of modplural"]["found"]
    assert not (tmp_path / "m.sqlite").exists()
    assert not (tmp_path / "out").exists()


def test_a_dry_setup_is_quickly_looked_at(tmp_path) -> None:
    shown = runner.invoke(app, ["doctor", "--quick", *arguments(tmp_path)], catch_exceptions=False)
    assert shown.exit_code == 0, shown.stdout
    assert "ok    base LLM, set up: scripted" in shown.stdout
    assert "note  communities, messages: not asked for: --quick" in shown.stdout
    assert "looked at: " in shown.stdout.splitlines()[-1]


def test_faults_stop_nothing_and_end_with_one(tmp_path) -> None:
    (tmp_path / "m.sqlite").write_text("no database")
    given = arguments(tmp_path, pool="nobody", trace=str(tmp_path / "m.sqlite" / "trace"))
    shown = runner.invoke(app, ["doctor", *given], catch_exceptions=False)
    assert shown.exit_code == 1
    faulty = [line for line in shown.stdout.splitlines() if line.startswith("FAULT")]
    assert [line.split(":")[0] for line in faulty] == [
        "FAULT output, trace",
        "FAULT pool, pool",
        "FAULT message store, file",
    ]
    assert "ok    data, plural_embedded_steerable" in shown.stdout
    assert "ok    base LLM, answers" in shown.stdout
    assert "note  data, plan: not looked at: the pool cannot be used" in shown.stdout
    assert "Traceback" not in shown.output


def test_no_arguments_at_all_are_a_finding() -> None:
    shown = runner.invoke(app, ["doctor"], catch_exceptions=False)
    assert shown.exit_code == 1
    assert "FAULT arguments, lm_eval: name the tasks: --tasks plural_embedded, for example." in shown.stdout
    assert "ok    environment, Python" in shown.stdout


def test_arguments_that_lm_eval_refuses_are_a_finding(tmp_path) -> None:
    found = look("arguments", [*arguments(tmp_path), "--limit", "many"])
    assert found["lm_eval"].level == "fault"
    assert "argument --limit/-L: invalid float value: 'many'" in found["lm_eval"].found


def test_every_check_says_what_to_do_and_survives_whatever_is_raised() -> None:
    every([(f"{check.area}-{check.name}", check) for check in CHECKS], _says_what_to_do_and_survives)


def _says_what_to_do_and_survives(check: Check) -> None:
    assert check.area
    assert check.name
    assert check.advice.endswith((".", "'"))

    def broken(visit: Visit) -> list[Finding]:
        raise RuntimeError("out\nof order")

    (found,) = Check(check.area, check.name, check.advice, broken).findings(Visit([]))
    assert (found.level, found.found, found.advice) == ("fault", "RuntimeError: out of order", check.advice)
    assert all(one.level in LEVELS and one.area == check.area for one in check.findings(Visit([])))


def test_names_of_checks_are_unique() -> None:
    names = [(check.area, check.name) for check in CHECKS]
    assert len(set(names)) == len(names)


def test_what_was_found_before_a_check_fails_stays_and_keys_are_taken_out(monkeypatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "sk-planted-0123456789abcdef")

    def half(visit: Visit):
        yield fault("one", "the key sk-planted-0123456789abcdef is refused", "Take sk-planted-0123456789abcdef away.")
        raise ModPluralError("the second: sk-planted-0123456789abcdef")

    first, second = Check("a", "two", "Mend it.", half).findings(Visit([]))
    assert (first.found, first.advice) == ("the key [SOME_API_KEY] is refused", "Take [SOME_API_KEY] away.")
    assert (second.name, second.found) == ("two", "the second: [SOME_API_KEY]")


def test_a_part_tells_its_fault_once(tmp_path) -> None:
    visit = Visit(arguments(tmp_path, pool="nobody"))
    with pytest.raises(ModPluralError, match="unknown pool 'nobody'"):
        _ = visit.pool
    with pytest.raises(NotLookedError, match="the pool cannot be used"):
        _ = visit.pool
