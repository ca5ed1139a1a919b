"""Data cards: the YAML block that the Hub reads, and the text that people read."""

from __future__ import annotations

import pytest
from huggingface_hub import DatasetCard

from plural_tasks.publishing import build, check_folder, read_manifest
from plural_tasks.publishing.cards import check_card, licence_ids, metadata, render_card, size_category
from plural_tasks.publishing.rows import FIELDS
from tests.made_sources import add_sources

MADE = ["made_overton", "made_steerable", "made_distributional"]


@pytest.fixture(autouse=True)
def _sources(tmp_path, monkeypatch) -> None:
    add_sources(monkeypatch, tmp_path)


@pytest.fixture
def out(tmp_path):
    build(MADE, tmp_path / "out", title="Made polls")
    return tmp_path / "out"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Apache-2.0, written for this project", ["apache-2.0"]),
        ("CC-BY-NC-SA-4.0 (GlobalOpinionQA)", ["cc-by-nc-sa-4.0"]),
        ("CC BY 4.0.", ["cc-by-4.0"]),
        ("MIT; MoralChoice, from which it is taken, is CC-BY-4.0", ["mit", "cc-by-4.0"]),
        ("CC0-1.0", ["cc0-1.0"]),
        ("Mitigated use only", ["other"]),
        ("CC-BY-4.0.1", ["other"]),
        ("Pew Research Center terms", ["other"]),
        ("", ["other"]),
    ],
)
def test_licences_are_named_as_the_hub_names_them(text, expected) -> None:
    assert licence_ids(text) == expected


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (1, "n<1K"),
        (999, "n<1K"),
        (1000, "1K<n<10K"),
        (10_000, "10K<n<100K"),
        (999_999, "100K<n<1M"),
        (1_000_000, "1M<n<10M"),
    ],
)
def test_sizes_are_the_hubs_categories(rows, expected) -> None:
    assert size_category(rows) == expected


def test_the_cards_metadata_are_read_back_by_the_hubs_own_class(out) -> None:
    data = DatasetCard.load(out / "README.md").data
    assert data.pretty_name == "Made polls"
    assert data.license == ["apache-2.0", "other", "cc-by-4.0"]
    assert (data.license_name, data.license_link) == ("terms-of-the-town-archive", "https://example.org/polls")
    assert data.language == ["en"]
    assert data.multilinguality == "monolingual"
    assert data.size_categories == "n<1K"  # 1 + 4 + 2 items
    assert data.task_categories == ["multiple-choice", "question-answering", "text-generation"]
    assert {"pluralistic-alignment", "overton", "steerable", "distributional"} < set(data.tags)
    assert data.configs[1] == {
        "config_name": "made_steerable",
        "data_files": [
            {"split": "train", "path": "data/made_steerable/train-00000-of-00001.parquet"},
            {"split": "test", "path": "data/made_steerable/test-00000-of-00001.parquet"},
        ],
    }
    assert [config.get("default") for config in data.configs] == [True, None, None]


def test_one_licence_is_a_text_and_not_a_list(tmp_path) -> None:
    assert metadata(build(["made_overton"], tmp_path / "one")).license == "apache-2.0"


def test_a_licence_that_forbids_publishing_is_not_given_for_the_items(tmp_path) -> None:
    data = metadata(build(["made_closed"], tmp_path / "one"), rows=False)
    assert (data.license, data.license_name) == ("other", "mit-the-polls-are-closed")


def test_the_card_tells_what_is_needed_to_use_the_data(out) -> None:
    text = DatasetCard.load(out / "README.md").text
    manifest = read_manifest(out)
    for field in FIELDS:
        assert f"| `{field.name}` | {field.kind} |" in text
    for name, source, split, entry in manifest.splits():
        groups = entry.groups or "–"
        row = f"| `{name}` | {split} | {entry.rows} | {entry.questions} | {groups} | `{entry.sha256[:16]}…` |"
        assert row in text
        assert f"| `{name}` | {source.mode} | {source.title} | {source.licence} | https://example.org/polls |" in text
    assert "- `made_overton`, `made_steerable`, `made_distributional`: Nobody was asked." in text
    assert text.count("Town Council 1999, A Poll") == 1  # three sources cite the same
    assert "| study: Town poll 1999 | 2 |" in text
    assert '"explanation": "The owner wants it back | soon."' in text  # a row of each configuration
    assert 'load_dataset("OWNER/NAME", "made_overton", split="test")' in text
    assert 'load_items("OWNER/NAME", "made_overton", split="test")' in text
    assert "{{" not in text
    assert "{%" not in text


def test_the_card_of_digests_points_at_no_file_and_shows_no_row(tmp_path) -> None:
    manifest = build(["made_closed", "made_overton"], tmp_path / "out")
    text = render_card(manifest, folder=tmp_path / "out", repo_id="ann/digests", rows=False)
    card = DatasetCard(text)
    assert "configs" not in card.data.to_dict()
    assert "```json" not in card.text
    assert "**The items themselves\nare not here**" in card.text
    assert "modplural data validate made_closed --data PATH --against ann/digests" in card.text
    assert manifest.sources["made_closed"].splits["test"].sha256[:16] in card.text


def test_no_row_is_shown_of_a_source_that_may_not_be_published(tmp_path) -> None:
    manifest = build(["made_closed", "made_overton"], tmp_path / "out")
    text = render_card(manifest, folder=tmp_path / "out")
    assert "A row of `made_overton`" in text
    assert "A row of `made_closed`" not in text


def test_bars_and_line_breaks_do_not_break_the_tables(tmp_path, monkeypatch) -> None:
    from dataclasses import replace

    from plural_tasks.sources import SOURCES

    odd = replace(SOURCES["made_overton"], licence="A | B\nC", title="x|y", known_issues=("one\ntwo",))
    monkeypatch.setitem(SOURCES, "made_overton", odd)
    text = render_card(build(["made_overton"], tmp_path / "out"))
    assert r"| `made_overton` | overton | x\|y | A \| B C |" in text
    assert "- `made_overton`: one two" in text


def test_a_card_that_was_edited_is_checked(out) -> None:
    manifest, path = read_manifest(out), out / "README.md"
    assert check_card(out, manifest) == []
    text = path.read_text()
    path.write_text(text + "\n## Thanks\n\nTo the town.\n")
    assert check_card(out, manifest) == []
    path.write_text(text.replace("- apache-2.0", "- mit"))
    (found,) = check_card(out, manifest)
    assert found.startswith("its YAML block says license: ['mit', 'other', 'cc-by-4.0'], the manifest says ['apache")
    path.write_text(text.replace("path: data/made_overton/", "path: data/"))
    (found,) = check_card(out, manifest)
    assert found.startswith("its YAML block says configs: ")
    path.write_text("---\nlicense: [\n---\n")
    (found,) = check_card(out, manifest)
    assert found.startswith("its YAML block cannot be read (")
    path.unlink()
    assert check_card(out, manifest) == ["is missing; `modplural data card FOLDER --write` makes it."]


def test_the_surveys_card_names_cites_and_excuses_each_study_that_has_items(tmp_path) -> None:
    manifest = build(["surveys_steerable"], tmp_path / "out")
    text = DatasetCard.load(tmp_path / "out" / "README.md").text
    studies = manifest.sources["surveys_steerable"].studies
    named = {study for *_, entry in manifest.splits() for study in entry.by_study}
    assert studies.keys() == named
    assert len(named) > 3
    for name, study in studies.items():
        assert f"| [{name}]({study.homepage}) | {study.producer} | " in text
        assert f"\n- {study.citation}\n" in text
        for issue in study.known_issues:
            assert f"- {name}: {issue}\n" in text
    assert manifest.sources["surveys_steerable"].citation not in text  # it points at a file of the package
    for *_, entry in manifest.splits():
        assert sum(entry.by_study.values()) == entry.rows


def test_the_surveys_make_a_data_set_that_is_fit_and_splits_no_question(tmp_path) -> None:
    build(["surveys_*"], tmp_path / "out")
    assert check_folder(tmp_path / "out").problems == []
