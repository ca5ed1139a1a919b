from pathlib import Path

import pytest

from plural_tasks.sources import SOURCES, locate, read_items
from tests.plural_tasks.sources import samples

PARENTS = {
    "overton_vital": "overton_vk",
    "steerable_vital_vk": "steerable_vk",
    "steerable_vital_opinionqa": "steerable_opinionqa",
    "distributional_vital_moralchoice": "distributional_moralchoice",
    "distributional_vital_globalopinionqa": "distributional_globalopinionqa",
}


@pytest.mark.parametrize(("name", "parent"), PARENTS.items())
def test_records_become_the_items_of_modular_pluralisms_format(name: str, parent: str, tmp_path: Path) -> None:
    path = samples.SAMPLES[parent](tmp_path)

    assert read_items(SOURCES[name], path) == read_items(SOURCES[parent], path)
    assert SOURCES[name].mode == SOURCES[parent].mode


def test_one_folder_holds_all_five(tmp_path: Path) -> None:
    clone = tmp_path / "VITAL"
    for name in PARENTS:
        samples.SAMPLES[name](clone / name).rename(_place(clone, name))

    found = {locate(SOURCES[name], clone) for name in PARENTS}
    assert found == {locate(SOURCES[name], clone / "dataset") for name in PARENTS}
    assert sorted(path.name for path in found) == [
        "vital_distributional_globalopinionqa.json",
        "vital_distributional_moralchoice.json",
        "vital_overton_valuekaleidoscope.json",
        "vital_steerable_opinionqa.json",
        "vital_steerable_valuekaleidoscope.json",
    ]


def _place(clone: Path, name: str) -> Path:
    path = clone / SOURCES[name].filename
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def test_only_the_part_with_a_free_parent_may_be_published() -> None:
    assert [name for name in PARENTS if SOURCES[name].redistribute] == ["distributional_vital_moralchoice"]
