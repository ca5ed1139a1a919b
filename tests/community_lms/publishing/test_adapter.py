"""An adapter pushed over HTTP with the real client: what arrives, what is refused, what a cut leaves behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from community_lms.publishing.adapter import add_to_collection, published_adapter, push_adapter
from community_lms.publishing.adapter_folder import read_adapter
from community_lms.publishing.cards import adapter_card
from plural_tasks.utils.errors import ModPluralError
from tests.community_lms.publishing.published import EVALUATION, make_adapter
from tests.hub_server import HubServer

NAME = "tester/left"


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Iterator[HubServer]:
    with HubServer(organisations=["team"]) as server:
        server.use(monkeypatch, tmp_path)
        yield server


@pytest.fixture
def folder(tmp_path) -> Path:
    return make_adapter(tmp_path / "left")


def remote(hub: HubServer, name: str = NAME, revision: str = "main") -> dict[str, bytes]:
    files = hub.repo(name, "model").files(revision)
    del files[".gitattributes"]
    return files


def expected(folder: Path, name: str = NAME) -> dict[str, bytes]:
    files = published_adapter(read_adapter(folder), name)
    return {path: file if isinstance(file, bytes) else file.read_bytes() for path, file in files.items()}


def test_what_arrives(hub, folder) -> None:
    done = push_adapter(read_adapter(folder), NAME)
    assert done.changed
    assert done.url == f"{hub.url}/{NAME}/commit/{done.revision}"
    assert remote(hub) == expected(folder)
    assert set(remote(hub)) == {
        *("README.md", "adapter_config.json", "adapter_model.safetensors", "evaluation.json", "loss.jsonl"),
        *("loss.svg", "run_info.json"),
    }
    assert remote(hub)["adapter_model.safetensors"] == (folder / "adapter_model.safetensors").read_bytes()
    assert len(hub.repo(NAME, "model").log()) == 2  # the Hub's own first commit, and one more


def test_the_card_arrives_as_the_hub_reads_it(hub, folder) -> None:
    push_adapter(read_adapter(folder), NAME)
    card = ModelCard.load(NAME)
    assert card.data.base_model == "tester/base"
    assert f"adapter: {{path: {NAME}, revision: main}}" in card.text


def test_a_card_that_was_edited_goes_as_it_is(hub, folder) -> None:
    (folder / "README.md").write_text(adapter_card(read_adapter(folder)) + "\n## Thanks\n")
    push_adapter(read_adapter(folder), NAME)
    assert remote(hub)["README.md"].endswith(b"\n## Thanks\n")
    assert f'"{NAME}"'.encode() in remote(hub)["README.md"]
    assert b"OWNER/NAME" not in remote(hub)["README.md"]


def test_a_push_repeated_has_nothing_to_upload(hub, folder) -> None:
    first = push_adapter(read_adapter(folder), NAME)
    hub.requests.clear()
    again = push_adapter(read_adapter(folder), NAME)
    assert (again.changed, again.revision) == (False, first.revision)
    assert not [request for request in hub.requests if "/commit/" in request or request.startswith("PUT")]


def test_what_an_earlier_push_left_goes_and_what_others_put_there_stays(hub, folder) -> None:
    push_adapter(read_adapter(folder), NAME)
    hub.commit(NAME, {"notes.md": b"kept"}, "model")
    (folder / "evaluation.json").unlink()
    push_adapter(read_adapter(folder), NAME)
    assert remote(hub) == {**expected(folder), "notes.md": b"kept"}
    assert "evaluation.json" not in remote(hub)


def test_a_pull_request_leaves_main_as_it_is(hub, folder) -> None:
    hub.create("ann/left", "model")
    done = push_adapter(read_adapter(folder), "ann/left", pull_request=True)
    assert done.pull_request == f"{hub.url}/ann/left/discussions/1"
    assert remote(hub, "ann/left") == {}
    assert remote(hub, "ann/left", "refs/pr/1") == expected(folder, "ann/left")


class TestTags:
    def test_a_version_gets_a_name(self, hub, folder) -> None:
        done = push_adapter(read_adapter(folder), NAME, tag="v1")
        assert hub.repo(NAME, "model").resolve("v1").oid == done.revision
        again = push_adapter(read_adapter(folder), NAME, tag="v1")
        assert not again.changed

    def test_a_tag_never_moves(self, hub, folder) -> None:
        first = push_adapter(read_adapter(folder), NAME, tag="v1")
        (folder / "evaluation.json").write_text(json.dumps({**EVALUATION, "messages": {}}))
        with pytest.raises(ModPluralError, match=r"was pushed as [0-9a-f]{40}, but tag 'v1' is the version before"):
            push_adapter(read_adapter(folder), NAME, tag="v1")
        with pytest.raises(ModPluralError, match="tag 'v1' is an older version, and tags do not move"):
            push_adapter(read_adapter(folder), NAME, tag="v1")
        push_adapter(read_adapter(folder), NAME, tag="v2")
        assert hub.repo(NAME, "model").resolve("v1").oid == first.revision

    def test_a_tag_that_fails_is_set_by_the_next_push(self, hub, folder) -> None:
        hub.break_off("ref", status=500, times=1)
        with pytest.raises(
            ModPluralError, match=r"was pushed as .*, but tag 'v1' was not set \(the Hub answered 500\)"
        ):
            push_adapter(read_adapter(folder), NAME, tag="v1")
        done = push_adapter(read_adapter(folder), NAME, tag="v1")
        assert not done.changed
        assert hub.repo(NAME, "model").resolve("v1").oid == done.revision

    def test_a_pull_request_has_none(self, hub, folder) -> None:
        with pytest.raises(ModPluralError, match="a pull request has no tag"):
            push_adapter(read_adapter(folder), NAME, tag="v1", pull_request=True)
        assert hub.repos == {}


class TestCuts:
    @pytest.mark.parametrize("stage", ["upload", "commit"])
    def test_a_push_cut_off_leaves_the_old_version_and_can_be_repeated(self, hub, folder, tmp_path, stage) -> None:
        push_adapter(read_adapter(folder), NAME)
        before = remote(hub)
        newer = make_adapter(tmp_path / "newer" / "left", value=5.0)
        hub.break_off(stage)
        with pytest.raises(ModPluralError, match="repeat the command, which sends only what is missing"):
            push_adapter(read_adapter(newer), NAME)
        assert remote(hub) == before
        hub.mend()
        assert push_adapter(read_adapter(newer), NAME).changed
        assert remote(hub) == expected(newer)

    def test_somebody_else_commits_meanwhile(self, hub, folder) -> None:
        def meddle(card: str) -> list[str]:
            hub.commit(NAME, {"theirs.txt": b"theirs"}, "model")
            return []

        hub.check_card = meddle
        with pytest.raises(ModPluralError, match="somebody else changed the repository during the push"):
            push_adapter(read_adapter(folder), NAME)
        assert remote(hub) == {"theirs.txt": b"theirs"}

    def test_weights_that_arrived_are_not_sent_again(self, hub, folder) -> None:
        hub.break_off("commit")
        with pytest.raises(ModPluralError):
            push_adapter(read_adapter(folder), NAME)
        hub.mend()
        hub.requests.clear()
        push_adapter(read_adapter(folder), NAME)
        assert not [request for request in hub.requests if request.startswith("PUT")]


class TestRefuses:
    def test_to_overwrite_something_else(self, hub, folder) -> None:
        for name, file in (("tester/pool", "pool.yaml"), ("tester/model", "config.json")):
            hub.create(name, "model", files={file: b"{}"})
            with pytest.raises(ModPluralError, match=rf"{name}: holds something else \({file}\) and not this adapter"):
                push_adapter(read_adapter(folder), name)
            assert remote(hub, name) == {file: b"{}"}

    def test_a_file_that_holds_a_token(self, hub, folder) -> None:
        secret = "hf_" + "A" * 34
        (folder / "report.md").write_text(f"export HF_TOKEN={secret}")
        with pytest.raises(ModPluralError, match=r"report\.md: holds what looks like an access token") as caught:
            push_adapter(read_adapter(folder), NAME)
        assert secret not in str(caught.value)
        assert hub.requests == []

    def test_private_where_all_can_see(self, hub, folder) -> None:
        hub.create("team/open", "model")
        with pytest.raises(ModPluralError, match="exists and is public, so that --private would not hold"):
            push_adapter(read_adapter(folder), "team/open", private=True)
        push_adapter(read_adapter(folder), "team/secret", private=True)
        assert hub.repo("team/secret", "model").private

    def test_a_name_without_owner(self, hub, folder) -> None:
        with pytest.raises(ModPluralError, match="expected owner/name"):
            push_adapter(read_adapter(folder), "left")

    def test_no_token(self, tmp_path, monkeypatch, folder) -> None:
        with HubServer() as server:
            server.use(monkeypatch, tmp_path, token=None)
            with pytest.raises(ModPluralError, match="no Hugging Face token was found"):
                push_adapter(read_adapter(folder), NAME)
            assert server.requests == []

    def test_a_token_that_may_not_write_there(self, hub, folder) -> None:
        with pytest.raises(ModPluralError, match="the token may not write to 'strangers'") as caught:
            push_adapter(read_adapter(folder), "strangers/left")
        assert HubServer.TOKEN not in str(caught.value)


class TestCollections:
    def test_is_made_and_filled_once(self, hub, folder) -> None:
        push_adapter(read_adapter(folder), NAME)
        url = add_to_collection("team/Voices of many", [NAME])
        assert add_to_collection("team/Voices of many", [NAME]) == url
        (found,) = hub.collections.values()
        assert (found.title, found.items) == ("Voices of many", [("model", NAME)])
        assert url == f"{hub.url}/collections/{found.slug}"
        assert add_to_collection(found.slug, [NAME]) == url

    def test_one_that_may_not_be_written(self, hub, folder) -> None:
        push_adapter(read_adapter(folder), NAME)
        with pytest.raises(ModPluralError, match=r"collection strangers/Voices: .*the token may not write there"):
            add_to_collection("strangers/Voices", [NAME])
        with pytest.raises(ModPluralError, match=r"collection team/none-[0-9a]+: .*there is none"):
            add_to_collection("team/none-" + "0a" * 12, [NAME])
        with pytest.raises(ModPluralError, match="expected owner/Title"):
            add_to_collection("Voices", [NAME])
