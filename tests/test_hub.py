"""Pushing to a Hub over HTTP with the real client: what arrives, what is refused, and what a cut leaves behind."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from plural_tasks.docs import to_doc
from plural_tasks.publishing import (
    build,
    dataset_files,
    features,
    load_items,
    load_manifest,
    push_dataset,
    read_manifest,
)
from plural_tasks.sources import SOURCES, locate, read_items
from plural_tasks.utils.errors import ModPluralError
from plural_tasks.utils.hub import push_files, push_json
from tests.hub_server import HubServer
from tests.made_sources import SITUATION, STEERED, add_sources

NAME = "tester/polls"
MADE = ["made_overton", "made_steerable", "made_distributional"]


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Iterator[HubServer]:
    add_sources(monkeypatch, tmp_path)
    with HubServer(organisations=["team"]) as server:
        server.use(monkeypatch, tmp_path)
        yield server


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """Two versions; the newer has a question more in one source, and another source less."""
    folder = tmp_path_factory.mktemp("built")
    with pytest.MonkeyPatch.context() as monkeypatch:
        add_sources(monkeypatch, folder)
        build(MADE, folder / "out")
        second = {**SITUATION, "id": "o2", "question": "Moving abroad"}
        add_sources(monkeypatch, folder, made_overton=[SITUATION, second])
        build(["made_overton", "made_steerable"], folder / "newer")
    return folder


@pytest.fixture
def out(built, tmp_path) -> Path:
    return shutil.copytree(built / "out", tmp_path / "out")


@pytest.fixture
def newer(built, tmp_path) -> Path:
    return shutil.copytree(built / "newer", tmp_path / "newer")


def local(folder: Path, name: str = NAME) -> dict[str, bytes]:
    """What a push of a folder is to leave in the repository."""
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    files["README.md"] = files["README.md"].replace(b"OWNER/NAME", name.encode())
    return files


def remote(hub: HubServer, name: str = NAME, revision: str = "main") -> dict[str, bytes]:
    files = hub.repo(name).files(revision)
    del files[".gitattributes"]
    return files


# What arrives


def test_what_was_pushed_is_loaded_back(hub, out) -> None:
    from datasets import load_dataset

    done = push_dataset(out, NAME)
    assert done.changed
    assert done.url == f"{hub.url}/datasets/{NAME}/commit/{done.revision}"
    assert remote(hub) == local(out)
    assert len(hub.repo(NAME).log()) == 2  # the Hub's own first commit, and one more
    for name in MADE:
        loaded = load_dataset(NAME, name)
        assert loaded["test"].features == features(SOURCES[name].mode)
        items = read_items(SOURCES[name], locate(SOURCES[name]))
        for split in loaded:
            expected = [to_doc(item) for item in items if item.split == split]
            assert [to_doc(item) for item in load_items(NAME, name, split)] == expected
    assert load_manifest(NAME) == read_manifest(out)


def test_a_version_can_be_pinned(hub, out, newer) -> None:
    first = push_dataset(out, NAME).revision
    second = push_dataset(newer, NAME).revision
    assert len(load_items(NAME, "made_overton", revision=first)) == 1
    assert len(load_items(NAME, "made_overton", revision=second)) == 2
    assert len(load_items(NAME, "made_overton")) == 2


def test_a_second_version_deletes_what_the_first_left(hub, out, newer) -> None:
    push_dataset(out, NAME)
    hub.commit(NAME, {"notes/by_hand.txt": b"kept"})
    push_dataset(newer, NAME)
    assert remote(hub) == {**local(newer), "notes/by_hand.txt": b"kept"}


def test_a_push_repeated_has_nothing_to_upload(hub, out) -> None:
    first = push_dataset(out, NAME)
    hub.requests.clear()
    again = push_dataset(out, NAME)
    assert (again.changed, again.revision) == (False, first.revision)
    assert not [request for request in hub.requests if "/commit/" in request or request.startswith("PUT")]
    assert len(hub.repo(NAME).log()) == 2


def test_a_pull_request_leaves_main_as_it_is(hub, out) -> None:
    hub.create("ann/polls")
    done = push_dataset(out, "ann/polls", pull_request=True)
    assert done.pull_request == done.url == f"{hub.url}/datasets/ann/polls/discussions/1"
    assert remote(hub, "ann/polls") == {}
    assert remote(hub, "ann/polls", "refs/pr/1") == local(out, "ann/polls")


def test_a_private_repository_stays_private(hub, out) -> None:
    push_dataset(out, "team/secret", private=True)
    assert hub.repo("team/secret").private
    push_dataset(out, "team/secret", private=True)
    hub.create("team/open")
    with pytest.raises(ModPluralError, match="team/open: exists and is public, so that --private would not hold"):
        push_dataset(out, "team/open", private=True)
    assert remote(hub, "team/open") == {}


def test_a_card_that_was_edited_goes_as_it_is(hub, out) -> None:
    card = out / "README.md"
    card.write_text(card.read_text() + "\n## Thanks\n")
    push_dataset(out, NAME)
    assert remote(hub)["README.md"].endswith(b"\n## Thanks\n")
    assert f'load_dataset("{NAME}"'.encode() in remote(hub)["README.md"]


# A push that is cut

STAGES = [
    ("create", 1, False),
    ("info", 1, False),
    ("validate", 1, False),
    ("preupload", 1, False),
    ("batch", 1, False),
    ("upload", 1, False),
    ("upload", 2, False),
    ("commit", 1, False),
    ("create", 1, True),
    ("upload", 2, True),
    ("commit", 1, True),
]


@pytest.mark.parametrize("before", ["nothing", "an older version"])
@pytest.mark.parametrize(("stage", "at", "after"), STAGES)
def test_a_push_that_is_cut_leaves_the_old_or_the_new_and_is_completed_by_repeating_it(
    hub, out, newer, stage, at, after, before
) -> None:
    old: dict[str, bytes] = {}
    if before != "nothing":
        push_dataset(newer, NAME)
        old = local(newer)
    hub.break_off(stage, at=at, after=after)
    told = "did not begin .*; no file was sent" if stage in ("create", "info") else "was cut off"
    with pytest.raises(ModPluralError, match=rf"^tester/polls: the push {told}") as caught:
        push_dataset(out, NAME)
    assert "repeat the command" in str(caught.value).casefold()
    committed = stage == "commit" and after
    if ("dataset", NAME) in hub.repos:
        assert remote(hub) == (local(out) if committed else old)
    else:
        assert (stage, after) == ("create", False)
    hub.mend()
    done = push_dataset(out, NAME)
    assert done.changed is not committed
    assert remote(hub) == local(out)


def test_repeating_sends_only_what_had_not_arrived(hub, out) -> None:
    hub.break_off("upload", at=3)
    with pytest.raises(ModPluralError, match="which sends only what is missing"):
        push_dataset(out, NAME)
    arrived = set(hub.objects)
    assert len(arrived) == 2  # of the four Parquet files
    hub.mend()
    hub.requests.clear()
    push_dataset(out, NAME)
    sent = {request.rpartition("/")[2] for request in hub.requests if request.startswith("PUT /lfs/")}
    assert len(sent) == 2
    assert sent.isdisjoint(arrived)


def test_a_busy_hub_is_named_by_its_status(hub, out) -> None:
    hub.break_off("commit", status=503)
    with pytest.raises(ModPluralError, match=r"the push was cut off \(the Hub answered 503\)"):
        push_dataset(out, NAME)


def test_somebody_elses_commit_in_between_is_not_overwritten(hub, out) -> None:
    hub.create(NAME)

    def meanwhile(text: str) -> list[str]:
        hub.commit(NAME, {"theirs.txt": b"1"})
        return []

    hub.check_card = meanwhile
    with pytest.raises(
        ModPluralError, match="somebody else changed the repository during the push; nothing was pushed"
    ):
        push_dataset(out, NAME)
    assert remote(hub) == {"theirs.txt": b"1"}


# What is refused


def test_a_source_whose_licence_forbids_it_is_never_pushed(hub, tmp_path) -> None:
    out = tmp_path / "out"
    build(["made_overton", "made_closed"], out)
    with pytest.raises(ModPluralError) as caught:
        push_dataset(out, NAME)
    assert str(caught.value) == (
        "made_closed: its licence does not let modplural publish its items (MIT; the polls are closed). The loader is "
        "part of modplural; publish the data card and the digests with --digests-only, or build without this source."
    )
    manifest = json.loads((out / "manifest.json").read_text())  # nor when somebody edits the manifest
    manifest["sources"]["made_closed"]["redistribute"] = True
    (out / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ModPluralError, match="made_closed: its licence does not let modplural publish its items"):
        push_dataset(out, NAME)
    assert hub.requests == []


def test_all_sources_that_say_nothing_of_redistribution_are_refused() -> None:
    closed = [name for name, source in SOURCES.items() if not source.redistribute]
    assert "steerable_opinionqa" in closed
    assert "steerable_vk" in closed


def test_their_digests_are_published_instead_and_agree_with_a_copy(hub, tmp_path) -> None:
    from plural_tasks.publishing import check_source

    build(["made_overton", "made_closed"], tmp_path / "out")
    push_dataset(tmp_path / "out", NAME, digests_only=True)
    assert remote(hub).keys() == {"README.md", "manifest.json"}
    assert b"France" not in b"".join(remote(hub).values())
    assert check_source("made_closed", against=load_manifest(NAME)).problems == []
    with pytest.raises(ModPluralError, match=r"rows cannot be loaded .* Were only its digests published\?"):
        load_items(NAME, "made_closed")


def test_digests_take_the_place_of_rows_that_were_pushed(hub, out) -> None:
    push_dataset(out, NAME)
    push_dataset(out, NAME, digests_only=True)
    assert remote(hub).keys() == {"README.md", "manifest.json"}


def test_a_folder_with_faults_is_not_pushed(hub, out) -> None:
    (out / "data/made_overton/test-00000-of-00001.parquet").unlink()
    (out / "README.md").unlink()
    with pytest.raises(ModPluralError, match=r"out: is not fit to be pushed, 2 problems; the first: .*README\.md"):
        push_dataset(out, NAME)
    assert hub.requests == []


def test_somebody_elses_repository_is_left_alone(hub, out) -> None:
    hub.create(NAME, files={"README.md": b"mine", "data/mine.csv": b"1"})
    with pytest.raises(
        ModPluralError, match=r"holds files that `modplural data push` did not put there \(data/mine.csv"
    ):
        push_dataset(out, NAME)
    assert remote(hub) == {"README.md": b"mine", "data/mine.csv": b"1"}
    hub.create("team/list", files={"manifest.json": b'{"name": "an app"}'})
    with pytest.raises(ModPluralError, match=r"did not put there \(manifest\.json\)"):
        push_dataset(out, "team/list")


def test_tokens(hub, out, monkeypatch) -> None:
    with pytest.raises(ModPluralError, match=r"tester/polls: the Hub does not know this token\. Run `hf auth login`"):
        push_dataset(out, NAME, token="hf_wrong")
    with pytest.raises(ModPluralError, match=r"the token may not write to 'ann'\. Run `hf auth login`"):
        push_dataset(out, "ann/new")
    hub.create("ann/polls")
    with pytest.raises(ModPluralError, match=r"may not write to 'ann'.* or offer the change as a pull request"):
        push_dataset(out, "ann/polls")
    monkeypatch.delenv("HF_TOKEN")
    hub.requests.clear()
    with pytest.raises(ModPluralError, match=r"no Hugging Face token was found\. Run `hf auth login`"):
        push_dataset(out, NAME)
    assert hub.requests == []


@pytest.mark.parametrize("name", ["polls", "a/b/c", "a..b/c", "", "/polls", "ann/", "ann/my polls"])
def test_names_of_repositories(hub, out, name) -> None:
    for push in (push_dataset, dataset_files, lambda _, name: push_json(name, "a.json", {})):
        with pytest.raises(ModPluralError, match=rf"^'{name}': expected owner/name"):
            push(out, name)
    assert hub.requests == []


def test_the_hubs_objection_to_a_card_is_shown(hub, out) -> None:
    hub.check_card = lambda text: ['"license" must be one of …']
    with pytest.raises(ModPluralError, match=r"nothing was pushed: Invalid metadata in README\.md.*license"):
        push_dataset(out, NAME)
    assert remote(hub) == {}


# One JSON file


def test_one_json_file_is_added_replaced_and_offered(hub) -> None:
    hub.create("ann/board", files={"README.md": b"A board"})
    first = push_json("team/board", "runs/a.json", {"b": 1, "a": "é"})
    assert first.changed
    assert remote(hub, "team/board") == {"runs/a.json": '{\n  "a": "é",\n  "b": 1\n}\n'.encode()}
    assert not push_json("team/board", "runs/a.json", {"a": "é", "b": 1}).changed
    push_json("team/board", "runs/b.json", [], message="Second run")
    assert remote(hub, "team/board").keys() == {"runs/a.json", "runs/b.json"}
    assert hub.repo("team/board").log()[0].title == "Second run"
    offered = push_json("ann/board", "runs/a.json", {"a": 1}, pull_request=True)
    assert offered.pull_request == f"{hub.url}/datasets/ann/board/discussions/1"
    assert remote(hub, "ann/board") == {"README.md": b"A board"}


def test_what_is_not_json_is_refused(hub) -> None:
    for data in (float("nan"), {"a": object()}):
        with pytest.raises(ModPluralError, match=r"runs/a\.json: cannot be written as JSON"):
            push_json("team/board", "runs/a.json", data)
    assert hub.requests == []


def test_files_go_from_disk_and_from_memory(hub, tmp_path) -> None:
    (tmp_path / "a.txt").write_text("disk")
    push_files("team/things", {"a.txt": tmp_path / "a.txt", "b.txt": b"memory"}, message="Two")
    assert remote(hub, "team/things") == {"a.txt": b"disk", "b.txt": b"memory"}


def test_it_works_through_the_environment_alone(hub, out, tmp_path) -> None:
    """No constant is patched: a process of its own, as a user has it."""
    revision = push_dataset(out, NAME).revision
    code = (
        "import sys, pathlib; from datasets import load_dataset; from plural_tasks.utils.hub import push_json;"
        f"print(load_dataset({NAME!r}, 'made_steerable', revision={revision!r})['train']['id'][:]);"
        "print(push_json('team/x', 'a.json', 1).changed)"
    )
    environment = hub.environment(tmp_path / "elsewhere") | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout == "['t-0', 't-1']\nTrue\n", done.stderr
    assert remote(hub, "team/x") == {"a.json": b"1\n"}


def test_the_made_questions_are_what_these_tests_count_on() -> None:
    assert [row["split"] for row in STEERED] == ["train", "train", "test", "test"]
