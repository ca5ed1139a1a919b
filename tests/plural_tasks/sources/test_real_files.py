"""The authors' own files, where a copy is at hand; none of their text is kept here."""

import hashlib
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from plural_tasks.schema import DistributionalItem, Item, OvertonItem, SteerableItem
from plural_tasks.sources import SOURCES, read_items
from tests.published_data import published

COUNTS = {
    "overton_vk": 626,
    "steerable_vk": 4368,
    "steerable_opinionqa": 4475,
    "distributional_moralchoice": 273,
    "distributional_globalopinionqa": 5752,
}


def file_of(name: str) -> Path:
    return published(f"modular_pluralism/{SOURCES[name].filename}")


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


def global_opinions() -> list[DistributionalItem]:
    return [item for item in items_of("distributional_globalopinionqa") if isinstance(item, DistributionalItem)]


def test_no_country_carries_a_sample_note() -> None:
    countries = {item.attribute for item in global_opinions()}

    assert not [country for country in countries if "sample" in country.lower()]
    # 130 labels; without the notes and second spellings 107
    assert len(countries) == 107
    assert {"Great Britain", "South Korea", "South Africa", "Czechia", "Taiwan"} <= countries
    assert not {"Britain", "S. Korea", "S. Africa", "Czech Rep.", "Taiwan ROC"} & countries


def test_every_country_lies_on_a_continent() -> None:
    assert Counter(item.stratum for item in global_opinions()) == {
        "Asia": 1747,
        "Europe": 1726,
        "Africa": 1082,
        "South America": 578,
        "North America": 514,
        "Oceania": 105,
    }


def test_46_percent_of_globalopinionqa_have_an_option_without_opinion() -> None:
    items = global_opinions()
    marked = [{item.options[index].casefold() for index in item.dont_know} for item in items]

    # 2,131 of 5,752 name a refusal ("DK/Refused"): the 37 % that are usually stated, for they leave out "Don't know"
    refused = sum(any("refused" in option for option in options) for options in marked)
    assert f"{refused / len(items):.0%}" == "37%"
    assert f"{sum(map(bool, marked)) / len(items):.0%}" == "46%"


def test_options_without_opinion_are_these() -> None:
    marked = Counter(item.options[index] for item in global_opinions() for index in item.dont_know)

    assert marked == {
        "DK/Refused": 2100,
        "No answer": 509,
        "Don't know": 506,
        "Other missing; Multiple answers Mail (EVS)": 355,
        "Missing; Not available": 150,
        "Don't know/Refused": 31,
        "Total                  N=": 9,
        "Haven't heard enough (VOL)": 6,
    }


def test_half_of_the_survey_items_are_certain_to_be_ordinal() -> None:
    opinions = [item for item in items_of("steerable_opinionqa") if isinstance(item, SteerableItem)]

    assert sum(item.ordinal for item in global_opinions()) == 2916
    assert sum(item.ordinal for item in opinions) == 2145
    assert not [item for item in opinions if item.ordinal and len(item.options) == 1]


def test_items_of_a_question_share_their_cluster() -> None:
    clusters = {name: len({item.cluster for item in items_of(name)}) for name in COUNTS}

    assert clusters == {
        "overton_vk": 626,
        "steerable_vk": 2425,  # situations of 4,368 items
        "steerable_opinionqa": 1011,  # questions with their options
        "distributional_moralchoice": 273,
        "distributional_globalopinionqa": 1269,
    }


def test_35_prompts_of_globalopinionqa_have_the_shares_of_several_samples() -> None:
    prompts = Counter((item.question, item.attribute, item.options) for item in global_opinions())

    assert [sum(prompts[prompt] == times for prompt in prompts) for times in (2, 3)] == [34, 1]


def test_348_opinionqa_items_have_cut_options_and_62_lost_the_answer_none() -> None:
    whole = ("legal", "illegal", "neither", "better", "less", "many of the", "few of the")
    cut = lost = 0
    for item in items_of("steerable_opinionqa"):
        assert isinstance(item, SteerableItem)
        assert item.gold_distribution is not None
        share_of = dict(zip(item.options, item.gold_distribution, strict=True))
        parts = [o for o in item.options if o[0] in "'\"" or (o[0].islower() and not o.startswith(whole))]
        cut += bool(parts)
        assert not any(share_of[part] for part in parts)
        lost += not parts and share_of.get("None") == 0.0
        assert not share_of.get("None")
        assert item.fault == (
            "options were cut, and the answers of those who chose them lost"
            if parts
            else "the answers of those who chose 'None' are lost"
            if share_of.get("None") == 0.0
            else ""
        ), item.options
    assert (cut, lost) == (348, 62)
