"""The authors' own files, where a copy lies beside the repository; none of their text is kept here."""

import hashlib
from functools import cache
from pathlib import Path

import pytest

from plural_tasks.schema import DistributionalItem, Item, OvertonItem, SteerableItem
from plural_tasks.sources import SOURCES, read_items

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "modular_pluralism"
COUNTS = {
    "overton_vk": 626,
    "steerable_vk": 4368,
    "steerable_opinionqa": 4475,
    "distributional_moralchoice": 273,
    "distributional_globalopinionqa": 5752,
}


def file_of(name: str) -> Path:
    path = FOLDER / SOURCES[name].filename
    if not path.is_file():
        pytest.skip(f"no copy of {path.name} in ../shared/data/modular_pluralism; it may not be redistributed")
    return path


@cache
def read(path: Path, name: str) -> list[Item]:
    return read_items(SOURCES[name], path)


def items_of(name: str) -> list[Item]:
    return read(file_of(name), name)


@pytest.mark.parametrize(("name", "count"), COUNTS.items())
def test_all_items_load(name: str, count: int) -> None:
    assert len(items_of(name)) == count


@pytest.mark.parametrize("name", COUNTS)
def test_the_file_is_the_pinned_one(name: str) -> None:
    assert hashlib.sha256(file_of(name).read_bytes()).hexdigest() == SOURCES[name].sha256


def test_situations_have_two_to_eleven_values() -> None:
    numbers = {len(item.values) for item in items_of("overton_vk") if isinstance(item, OvertonItem)}

    assert (min(numbers), max(numbers)) == (2, 11)


def test_half_of_the_stances_are_support() -> None:
    golds = [item.gold for item in items_of("steerable_vk") if isinstance(item, SteerableItem)]

    assert f"{golds.count((0,)) / len(golds):.1%}" == "50.3%"


def test_opinionqa_has_16_single_options_and_55_ties_in_8_categories_of_22_groups() -> None:
    items = [item for item in items_of("steerable_opinionqa") if isinstance(item, SteerableItem)]

    assert sum(len(item.options) == 1 for item in items) == 16
    assert sum(len(item.gold) > 1 for item in items) == 55
    assert len({item.category for item in items}) == 8
    assert len({item.attribute for item in items}) == 22


def test_moralchoice_gold_follows_from_the_stratum() -> None:
    golds = {
        (item.stratum, item.gold_distribution)
        for item in items_of("distributional_moralchoice")
        if isinstance(item, DistributionalItem)
    }

    assert golds == {("low_ambiguity", (1.0, 0.0)), ("high_ambiguity", (0.5, 0.5))}


def test_no_country_carries_a_sample_note() -> None:
    countries = {
        item.attribute for item in items_of("distributional_globalopinionqa") if isinstance(item, DistributionalItem)
    }

    assert not [country for country in countries if "sample" in country.lower()]
    assert len(countries) > 100
