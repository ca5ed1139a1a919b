"""The README says what the code does."""

import re
from pathlib import Path

import pytest

from community_lms.engines import BATCH_SIZES, ENGINES, SHARED
from community_lms.pools.pool import load_pool, preset_names
from community_lms.pools.served import Served
from model_wrappers.arguments import Arguments
from model_wrappers.collaboration.methods import METHODS
from tests.test_task_index import GROUPS, TASKS

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return re.split(r"^## ", README.split(f"\n## {title}\n")[1], flags=re.MULTILINE)[0]


def first_cells(text: str) -> list[str]:
    rows = re.findall(r"^\| (.*?) \|", text, flags=re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`(\w+)`", row)]


def test_every_model_argument_is_in_the_table_with_its_default() -> None:
    text = section("Model arguments")
    assert sorted(first_cells(text)) == sorted(Arguments.model_fields)
    defaults = dict(re.findall(r"^\| `(\w+)` \| `(\w+)` \|", text, flags=re.MULTILINE))
    assert defaults == {name: field.default for name, field in Arguments.model_fields.items() if name in defaults}
    assert {"base", "pool", "method", "prompts", "message_engine"} <= set(defaults)


def test_every_message_engine_and_setting_of_a_server_is_in_a_table_with_its_default() -> None:
    text = section("Message engines")
    engines, settings = text.split("| setting |")
    assert sorted(first_cells(engines)) == sorted(ENGINES)
    mixing = re.findall(r"^\| `(\w+)` \|.*\| all communities(?: of a backbone)? \|$", engines, flags=re.MULTILINE)
    assert sorted(mixing) == sorted(SHARED)
    assert first_cells(settings) == [name for name in Served.model_fields if name != "base_url"]
    defaults = dict(re.findall(r"^\| `(\w+)` \| `?(\w+)`? \|", settings, flags=re.MULTILINE))
    for name in ("api", "concurrency", "timeout", "patience", "max_retries", "api_key_env"):
        default = Served.model_fields[name].default
        assert defaults[name] == ("none" if default is None else f"{default}".removesuffix(".0"))
    (sizes,) = re.findall(r"^\| `message_batch_size` \| (.*?) \|", README, flags=re.MULTILINE)
    assert {name: int(size) for size, name in re.findall(r"(\d+) with `(\w+)`", sizes)} == BATCH_SIZES


def test_every_preset_is_in_the_table() -> None:
    text = section("Pools")
    table = text[: text.index("All but")]
    assert sorted(first_cells(table)) == sorted(preset_names())
    for name in ("perspective", "culture", "mixed", "embedded", "embedded_perspective", "embedded_culture", "personas"):
        (row,) = re.findall(rf"^\| `{name}` \| (.*) \|$", table, flags=re.MULTILINE)
        assert row.split(":")[0].replace(" ", "").split(",") == list(load_pool(name).names)


def test_every_task_and_group_is_named() -> None:
    text = section("Tasks")
    assert first_cells(text[: text.index("Groups:")]) == list(TASKS)
    assert all(f"`{group}`" in text for group in GROUPS)


def test_every_method_is_in_the_table() -> None:
    assert first_cells(section("Methods and modes")) == list(METHODS)


def test_snippets_of_the_readme_are_the_examples() -> None:
    (pool,) = re.findall(r"```yaml\n(.*?)```", README, flags=re.DOTALL)
    assert (ROOT / "examples" / "village.yaml").read_text(encoding="utf-8") == pool
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert code in (ROOT / "examples" / "from_python.py").read_text(encoding="utf-8")


def test_the_pool_of_the_example_can_be_read(tmp_path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", README, flags=re.DOTALL)
    (tmp_path / "adapters" / "farmers").mkdir(parents=True)
    path = tmp_path / "village.yaml"
    path.write_text(example, encoding="utf-8")
    kinds = [member.kind for member in load_pool(str(path)).communities]
    assert kinds == ["adapter", "adapter", "persona", "checkpoint", "endpoint", "checkpoint"]


@pytest.mark.parametrize("target", ["demo", "test"])
def test_the_two_commands_are_targets_of_the_makefile(target) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)


def test_the_map_of_the_tree_names_every_room_and_no_other() -> None:
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for package in ("plural_tasks", "community_lms", "model_wrappers"):
        (part,) = re.findall(rf"^    {package}/ .*\n((?:      .*\n)+)", contributing, flags=re.MULTILINE)
        named = {
            name
            for line in re.findall(r"^      (\S.*)$", part, flags=re.MULTILINE)
            for name in re.findall(r"^(\w+)/", line)
        }
        assert named == {
            path.name for path in (ROOT / package).iterdir() if path.is_dir() and path.name != "__pycache__"
        }
