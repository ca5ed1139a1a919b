"""Trainings at once: what is needed comes first, no more run than asked for, and a failure stops what follows."""

import json
import time
from pathlib import Path

import pytest

from plural_tasks.utils.errors import ModPluralError
from tools.train_embedded.jobs import run_all
from tools.train_embedded.pools import voices


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global command, GOES_ON_FROM, STEPS, TRAININGS
    from tools.train_embedded import __main__ as command
    from tools.train_embedded.__main__ import GOES_ON_FROM, STEPS, TRAININGS


SCRIPT = """
import json, os, sys, time
name, folder, fails = sys.argv[1:]
start = time.time()
time.sleep(0.5)
while fails and name != fails and not os.path.exists(f"{folder}/{fails}.json"):
    time.sleep(0.5)  # the one that fails ends first, however busy the machine is
told = {"start": start, "end": time.time(), "position": os.environ["TQDM_POSITION"]}
open(f"{folder}/{name}.json", "w").write(json.dumps(told))
sys.exit(name == fails)
"""


def read(folder: Path) -> dict[str, dict[str, float]]:
    return {path.stem: json.loads(path.read_text()) for path in folder.iterdir()}


def test_at_most_so_many_run_at_once_and_none_before_what_it_needs(tmp_path: Path) -> None:
    needs = {"a": None, "b": None, "c": "a", "d": "c", "e": None}
    run_all(needs, lambda name: ("-c", SCRIPT, name, str(tmp_path), ""), 2)

    told = read(tmp_path)
    assert set(told) == set(needs)
    for name, need in needs.items():
        assert need is None or told[name]["start"] >= told[need]["end"]
    for one in told.values():
        beside = [other for other in told.values() if other["start"] <= one["start"] < other["end"]]
        assert len(beside) <= 2
        assert len({other["position"] for other in beside}) == len(beside)
    assert any(len([o for o in told.values() if o["start"] <= one["start"] < o["end"]]) == 2 for one in told.values())


def test_after_a_failure_nothing_more_is_started(tmp_path: Path) -> None:
    needs = {"a": None, "b": None, "c": "a", "d": None}
    with pytest.raises(ModPluralError, match=r"a: failed, see above; 1 of 4 are finished"):
        run_all(needs, lambda name: ("-c", SCRIPT, name, str(tmp_path), "a"), 2)
    assert set(read(tmp_path)) == {"a", "b"}


def test_what_goes_on_from_something_else_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModPluralError, match="b: what they go on from"):
        run_all({"a": None, "b": "z"}, lambda name: ("-c", SCRIPT, name, str(tmp_path), ""), 1)
    assert set(read(tmp_path)) == {"a"}


def test_an_interruption_ends_the_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def interrupt(_: float) -> None:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("tools.train_embedded.jobs.time.sleep", interrupt)
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_all({"a": None}, lambda _: ("-c", "import time; time.sleep(60)"), 1)
    assert time.monotonic() - started < 30


def test_each_process_has_one_training_and_what_was_trained_before_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(command, "run_all", lambda needs, told, jobs: asked.append((needs, told("reader"), jobs)))
    command.run(["reader"], tmp_path, 2)
    command.run(["voices"], tmp_path, 1)

    (reader, told, jobs), (others, _, _) = asked
    assert (reader, jobs) == ({"brief": None, "pick": "brief", "reader": "pick"}, 2)
    assert others == dict.fromkeys(TRAININGS["voices"])
    # The step `reader` has three trainings, so that a training is asked for as such.
    trained = []
    monkeypatch.setattr(command, "train", trained.append)
    monkeypatch.setattr("sys.argv", list(told[1:]))
    command.main()
    assert [config.community for config in trained] == ["reader"]


def test_every_training_belongs_to_a_step_and_goes_on_from_one_before_it() -> None:
    names = [name for listed in TRAININGS.values() for name in listed]
    assert set(TRAININGS) < set(STEPS)
    assert len(set(names)) == len(names) == len(voices()) + 4
    for name, need in GOES_ON_FROM.items():
        assert names.index(need) < names.index(name)
