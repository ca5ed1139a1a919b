"""The presets, the group file and what is trained name the same communities in the same words."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from community_lms.pools.pool import PRESET_FOLDER, load_pool
from community_lms.training.config import TrainConfig
from plural_tasks.sources.surveys import read_surveys
from plural_tasks.utils.checked import read_yaml
from tools.train_embedded.pools import ROOT, SURVEYS, cells, groups, train_questions, voices


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global command
    from tools.train_embedded import __main__ as command


PERSPECTIVE, CULTURE, BOTH = (
    yaml.safe_load((PRESET_FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    for name in ("embedded_perspective", "embedded_culture", "embedded")
)


def test_the_default_pool_holds_exactly_the_members_of_the_two_pools() -> None:
    assert BOTH["communities"] == [*PERSPECTIVE["communities"], *CULTURE["communities"]]
    for key in ("backbone", "decoding"):
        assert BOTH[key] == PERSPECTIVE[key] == CULTURE[key]
    assert load_pool("embedded").communities == load_pool("embedded_perspective+embedded_culture").communities


def test_every_member_is_an_adapter_in_a_folder_of_its_name_on_the_embedded_backbone() -> None:
    assert BOTH["backbone"] == "embedded"
    for member in load_pool("embedded").communities:
        assert member.adapter is not None
        assert Path(member.adapter.path) == command.TARGET / member.name
        assert (member.licence, member.role, member.persona) == ("Apache-2.0", "community", None)


def test_every_community_has_survey_groups_and_no_group_is_nobodys() -> None:
    assert sorted(groups()) == sorted(voice.name for voice in voices())
    assert all(next(cells(voice.name), None) is not None for voice in voices())


def test_the_personas_are_a_pool_of_their_own() -> None:
    personas = load_pool("personas").communities
    assert {member.kind for member in personas} == {"persona"}
    assert not {member.name for member in personas} & {voice.name for voice in voices()}


def test_train_questions_are_those_that_the_file_calls_train() -> None:
    assert {question.split for question in train_questions()} == {"train"}
    assert len(train_questions()) == 38
    assert sum(question.split == "train" for question in read_surveys(SURVEYS).questions) == 38


@pytest.fixture
def configs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, TrainConfig]:
    """What each community's training is given, and the reader's."""
    given: list[TrainConfig] = []
    monkeypatch.setattr(command, "train", given.append)
    recipe: Any = read_yaml(command.RECIPE)
    for name in (name for names in command.TRAININGS.values() for name in names):
        command.train_one(recipe, tmp_path, name)
    return {config.community: config for config in given}


def test_adapters_are_trained_with_the_descriptions_of_the_presets(configs: dict[str, TrainConfig]) -> None:
    described = {member["name"]: member["description"] for member in BOTH["communities"]}
    assert {name: config.description for name, config in configs.items() if name in described} == described
    assert {"shared", "reader"} <= set(configs) - set(described)


def test_every_voice_goes_on_from_the_shared_adapter_with_its_own_corpus(
    configs: dict[str, TrainConfig], tmp_path: Path
) -> None:
    for voice in voices():
        config = configs[voice.name]
        assert [Path(corpus.path) for corpus in config.corpus] == [tmp_path / "corpora" / f"{voice.name}.jsonl"]
        assert config.init_from is not None
        assert Path(config.init_from.path) == tmp_path / "runs" / "shared"
        assert config.lora == configs["shared"].lora
    assert configs["shared"].init_from is None


def test_the_reader_goes_on_from_lists_of_people_and_these_from_short_passages(
    configs: dict[str, TrainConfig], tmp_path: Path
) -> None:
    assert configs["brief"].init_from is None
    for name, first in (("pick", "brief"), ("reader", "pick")):
        start = configs[name].init_from
        assert start is not None
        assert Path(start.path) == tmp_path / "runs" / first
        assert configs[name].lora == configs["brief"].lora


@pytest.mark.parametrize("name", [*(voice.name for voice in voices()), "reader"])
def test_a_committed_adapter_was_trained_under_the_name_and_description_of_its_preset(name: str) -> None:
    record = ROOT / "community_lms" / "adapters" / name / "run_info.json"
    if not record.is_file():
        pytest.skip(f"the adapter {name} is not there")
    info = json.loads(record.read_text(encoding="utf-8"))
    described = {voice.name: voice.description for voice in voices()}
    assert info["community"] == name
    assert info["description"] == described.get(name, "reads passages; no community")
    assert info["backbone"]["path"] == "embedded"


def test_a_step_that_does_not_exist_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr("sys.argv", ["train_embedded", "voice"])
    with pytest.raises(SystemExit):
        command.main()
    assert "'voice' is no step; steps are corpora, shared, voices, reader, install" in capsys.readouterr().err
    monkeypatch.setattr("sys.argv", ["train_embedded", "--jobs", "0"])
    with pytest.raises(SystemExit):
        command.main()
    assert "--jobs: found 0, expected at least 1" in capsys.readouterr().err
