"""``modplural data``: what it prints, what it writes, and its exit codes."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from model_wrappers.cli.app import app
from plural_tasks.utils.errors import ModPluralError
from tests.hub_server import HubServer
from tests.made_sources import SHARED, STEERED, add_sources

runner = CliRunner()


@pytest.fixture(autouse=True)
def _sources(tmp_path, monkeypatch) -> None:
    add_sources(monkeypatch, tmp_path)


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Iterator[HubServer]:
    with HubServer() as server:
        server.use(monkeypatch, tmp_path)
        yield server


def invoke(*arguments: object, code: int = 0) -> str:
    words = ["data", *map(str, arguments)]
    result = runner.invoke(app, words, env={"COLUMNS": "200"}, catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
def out(tmp_path):
    invoke("build", "made_overton", "made_steerable", "--out", tmp_path / "out")
    return tmp_path / "out"


def row(output: str, name: str) -> list[str]:
    (line,) = [line for line in output.splitlines() if line.split()[:1] == [name]]
    return line.split()


def test_list_shows_every_source_and_what_its_licence_allows(monkeypatch) -> None:
    monkeypatch.delenv("MODPLURAL_DATA", raising=False)
    output = invoke("list")
    assert row(output, "made_steerable")[1:4] == ["4", "no", "yes"]
    assert row(output, "made_closed")[1:5] == ["2", "no", "no", "MIT;"]
    assert row(output, "steerable_vk")[1] == "–"  # nothing is fetched to count it


def test_list_counts_a_source_that_the_user_has(tmp_path) -> None:
    from plural_tasks.sources import SOURCES

    values = {"id": 1, "situation": "A", "vrd": ["Duty"], "explanation": ["Because."]}
    (tmp_path / SOURCES["overton_vk"].filename).write_text(json.dumps([values, {**values, "id": 2}]))
    output = invoke("list", "--data", tmp_path)
    assert row(output, "overton_vk")[1] == "2"
    assert row(output, "steerable_vk")[1] == "–"


def test_list_counts_shipped_sources_whatever_is_given_and_refuses_no_place(tmp_path) -> None:
    file = tmp_path / "mine.json"
    file.write_text("[]")
    assert row(invoke("list", "--data", file), "made_steerable")[1] == "4"
    with pytest.raises(ModPluralError, match=r"^--data: .*none: no such file or folder\."):
        invoke("list", "--data", tmp_path / "none")


def test_build_says_what_it_wrote_and_what_may_not_be_published(tmp_path) -> None:
    output = invoke("build", "made_*", "--out", tmp_path / "out", "--title", "Town polls")
    assert "2/4 made_steerable: train 2, test 2 items" in output
    assert f"9 items written to {tmp_path / 'out'}." in output
    assert "Not to be published, only their digests: made_closed." in output
    assert (tmp_path / "out" / "README.md").read_text().count("# Town polls\n") == 1
    with pytest.raises(ModPluralError, match="unknown source 'made_overtn'"):
        invoke("build", "made_overtn", "--out", tmp_path / "out")


def test_validate_counts_a_source_and_a_folder(out) -> None:
    assert "0 problems, 0 notes." in invoke("validate", "made_steerable")
    output = invoke("validate", out)
    assert "made_steerable" in output
    assert "0 problems, 0 notes." in output
    assert "0 problems, 0 notes; the digests are those published." in invoke(
        "validate", "made_steerable", "--against", out
    )


def test_validate_shows_faults_with_row_and_field_and_fails(tmp_path) -> None:
    path = tmp_path / "mine.jsonl"
    bad = {**SHARED[0], "id": "d7", "gold_distribution": [0.1, 0.1]}
    path.write_text("\n".join(json.dumps(item) for item in [*STEERED, {**STEERED[0], "id": "again"}, bad]))
    output = invoke("validate", path, code=1)
    assert f"BAD {path}, row 6: gold_distribution sums to 0.2, expected 1 (within 0.01)." in output
    assert f"NOTE {path}, row 5: asks the same as the item 't-0', of the same group." in output
    assert "1 problems, 1 notes." in output


def test_validate_cuts_long_lists_of_faults(tmp_path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps([3] * 50))
    output = invoke("validate", path, code=1)
    assert output.count("BAD") == 20
    assert "… and 30 more." in output


def test_validate_compares_with_other_digests(out, tmp_path, monkeypatch) -> None:
    add_sources(monkeypatch, tmp_path, made_steerable=STEERED[:3])
    output = invoke("validate", "made_steerable", "--against", out, code=1)
    assert "BAD made_steerable, test: digest" in output


def test_validate_says_what_it_was_not_given(tmp_path, out) -> None:
    with pytest.raises(
        ModPluralError, match=r"unknown source, file or folder 'made_overtn'\. Did you mean 'made_overton'"
    ):
        invoke("validate", "made_overtn")
    with pytest.raises(ModPluralError, match=r"nothing\.json: no such file or folder\."):
        invoke("validate", "nothing.json")
    with pytest.raises(ModPluralError, match="--data and --against go with a source"):
        invoke("validate", out, "--against", out)
    with pytest.raises(ModPluralError, match=r"holds no manifest\.json"):
        invoke("validate", tmp_path)


def test_card_is_printed_or_written(out) -> None:
    text = (out / "README.md").read_text()
    assert invoke("card", out) == text
    assert invoke("card", out, "--repo", "ann/polls") == text.replace("OWNER/NAME", "ann/polls")
    assert "are not here**" in invoke("card", out, "--digests-only")
    (out / "README.md").write_text("broken")
    assert "README.md written." in invoke("card", out, "--write")
    assert (out / "README.md").read_text() == text


def test_a_dry_run_lists_every_file_and_sends_nothing(out, hub, monkeypatch) -> None:
    monkeypatch.delenv("HF_TOKEN")  # nor does it need a token
    output = invoke("push", out, "tester/polls", "--dry-run")
    sizes = [int(line.split()[0].replace(",", "")) for line in output.splitlines() if " bytes  " in line]
    paths = [line.split()[-1] for line in output.splitlines() if " bytes  " in line]
    assert paths == [
        "README.md",
        "manifest.json",
        "data/made_overton/test-00000-of-00001.parquet",
        "data/made_steerable/train-00000-of-00001.parquet",
        "data/made_steerable/test-00000-of-00001.parquet",
    ]
    assert sizes[1:] == [(out / path).stat().st_size for path in paths[1:]]
    assert f"5 files, {sum(sizes):,} bytes would go to tester/polls; nothing was sent." in output
    assert hub.requests == []


def test_a_repository_needs_an_owner_even_when_nothing_is_sent(out, hub) -> None:
    text = (out / "README.md").read_text()
    for words in (["push", out, "me"], ["push", out, "me", "--dry-run"], ["card", out, "--repo", "me", "--write"]):
        with pytest.raises(ModPluralError, match=r"^'me': expected owner/name, where owner is"):
            invoke(*words)
    assert (out / "README.md").read_text() == text
    assert hub.requests == []


def test_push_says_where_it_went_and_when_there_is_nothing_to_do(out, hub) -> None:
    output = invoke("push", out, "tester/polls", "--private")
    revision = hub.repo("tester/polls").resolve().oid
    assert f"Pushed: {hub.url}/datasets/tester/polls/commit/{revision}" in output
    assert f"Load it with revision {revision} to pin this version." in output
    assert hub.repo("tester/polls").private
    assert "tester/polls holds exactly this already; nothing to upload.\n" in invoke("push", out, "tester/polls")
    hub.create("ann/polls")
    output = invoke("push", out, "ann/polls", "--pull-request", "--digests-only")
    assert f"Offered as {hub.url}/datasets/ann/polls/discussions/1" in output


def test_push_refuses_what_may_not_be_published(tmp_path, hub) -> None:
    invoke("build", "made_closed", "--out", tmp_path / "closed")
    for options in ([], ["--dry-run"]):
        with pytest.raises(ModPluralError, match="made_closed: its licence does not let modplural publish its items"):
            invoke("push", tmp_path / "closed", "tester/closed", *options)
    assert "2 files" in invoke("push", tmp_path / "closed", "tester/closed", "--dry-run", "--digests-only")
    assert hub.requests == []


def test_metrics_are_pushed_or_written_or_only_named(hub, tmp_path) -> None:
    output = invoke("push-metrics", "tester", "--dry-run")
    assert "tester/js_distance: js_distance.py (" in output
    assert output.endswith("nothing was sent.\n")
    assert f"{tmp_path / 'm' / 'js_distance'} written." in invoke(
        "push-metrics", "tester", "js_distance", "--out", tmp_path / "m"
    )
    assert hub.requests == []
    output = invoke("push-metrics", "tester", "js_distance", "wasserstein", "--private")
    assert output.count("Pushed: ") == 2
    assert hub.repo("tester/wasserstein", "space").private
    assert "tester/js_distance holds exactly this already; nothing to upload." in invoke(
        "push-metrics", "tester", "js_distance"
    )
