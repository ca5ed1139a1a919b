"""The local Hub against the real client: what other tests rely on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, hf_hub_download, snapshot_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from tests.hub_server import HubServer

NAME = "tester/things"


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Iterator[HubServer]:
    with HubServer(organisations=["team"]) as server:
        server.use(monkeypatch, tmp_path)
        yield server


def fetched(*place: str, **options) -> str:
    return Path(hf_hub_download(*place, **options)).read_text()


def folder(tmp_path, **files: bytes):
    made = tmp_path / "made"
    (made / "sub").mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (made / name.replace("__", "/").replace("_dot_", ".")).write_bytes(data)
    return made


@pytest.mark.parametrize("kind", ["dataset", "model"])
def test_a_folder_goes_up_and_comes_down(hub, tmp_path, kind) -> None:
    sent = folder(tmp_path, README_dot_md=b"# hello", sub__w_dot_safetensors=b"\0" * 3000)
    api = HfApi()
    assert api.whoami()["name"] == "tester"
    assert api.create_repo(NAME, repo_type=kind).repo_id == NAME
    done = api.upload_folder(repo_id=NAME, repo_type=kind, folder_path=sent)
    assert hub.repo(NAME, kind).resolve().oid == done.oid
    assert hub.repo(NAME, kind).resolve().files["sub/w.safetensors"].lfs  # it went over LFS, the README did not
    assert not hub.repo(NAME, kind).resolve().files["README.md"].lfs
    assert sum("PUT /lfs/" in request for request in hub.requests) == 1

    assert fetched(NAME, "sub/w.safetensors", repo_type=kind) == "\0" * 3000
    whole = Path(snapshot_download(NAME, repo_type=kind))
    assert (whole / "README.md").read_text() == "# hello"
    assert whole.name == done.oid
    assert sorted(api.list_repo_files(NAME, repo_type=kind)) == [".gitattributes", "README.md", "sub/w.safetensors"]
    info = api.get_paths_info(NAME, ["README.md", "sub", "none"], repo_type=kind)
    assert [entry.path for entry in info] == ["README.md", "sub"]


def test_revisions_can_be_pinned(hub) -> None:
    first = hub.create(NAME, files={"a.txt": b"1"}).resolve()
    HfApi().create_tag(NAME, tag="v1", repo_type="dataset")
    second = hub.commit(NAME, {"a.txt": b"2"})
    for revision, text in [(first.oid, "1"), ("v1", "1"), (second.oid, "2"), ("main", "2"), (None, "2")]:
        assert fetched(NAME, "a.txt", repo_type="dataset", revision=revision) == text
    assert [commit.commit_id for commit in HfApi().list_repo_commits(NAME, repo_type="dataset")] == [
        second.oid,
        first.oid,
    ]
    refs = HfApi().list_repo_refs(NAME, repo_type="dataset")
    assert [(ref.name, ref.target_commit) for ref in refs.branches + refs.tags] == [
        ("main", second.oid),
        ("v1", first.oid),
    ]
    with pytest.raises(RevisionNotFoundError):
        hf_hub_download(NAME, "a.txt", repo_type="dataset", revision="v2")
    with pytest.raises(EntryNotFoundError):
        hf_hub_download(NAME, "b.txt", repo_type="dataset")


def test_commits_are_conditional_and_delete(hub) -> None:
    head = hub.create(NAME, files={"a.txt": b"1", "old/b.txt": b"1"}).resolve().oid
    operations = [CommitOperationAdd("c.txt", b"3"), CommitOperationDelete("old/", is_folder=True)]
    HfApi().create_commit(NAME, operations, commit_message="m", repo_type="dataset", parent_commit=head)
    assert hub.repo(NAME).files().keys() == {".gitattributes", "a.txt", "c.txt"}
    with pytest.raises(HfHubHTTPError, match="A commit has happened since"):
        HfApi().create_commit(
            NAME, [CommitOperationAdd("d.txt", b"4")], commit_message="m", repo_type="dataset", parent_commit=head
        )


def test_writing_takes_a_token_and_the_right(hub, monkeypatch) -> None:
    hub.create("ann/polls", files={"a.txt": b"1"})
    hub.create("team/polls")

    def commit(name: str, token: str | None = None, **options: bool):
        operation = CommitOperationAdd("b.txt", b"2")
        return HfApi(token=token).create_commit(name, [operation], commit_message="m", repo_type="dataset", **options)

    commit("team/polls")
    with pytest.raises(HfHubHTTPError, match="403 Forbidden"):
        commit("ann/polls")
    with pytest.raises(HfHubHTTPError, match="rights to create"):
        HfApi().create_repo("ann/new", repo_type="dataset", exist_ok=True)
    assert commit("ann/polls", create_pr=True).pr_revision == "refs/pr/1"
    assert hub.repo("ann/polls").files("refs/pr/1").keys() - hub.repo("ann/polls").files().keys() == {"b.txt"}
    assert fetched("ann/polls", "b.txt", repo_type="dataset", revision="refs/pr/1") == "2"
    with pytest.raises(HfHubHTTPError, match="Invalid credentials"):
        commit("team/polls", token="hf_wrong")
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(HfHubHTTPError, match="401"):
        commit("team/polls")


def test_private_and_gated_repositories(hub) -> None:
    hub.create("ann/secret", "model", files={"a.txt": b"1"}, private=True)
    gated = hub.create("ann/gated", "model", files={"a.txt": b"1"}, gated=True)
    with pytest.raises(RepositoryNotFoundError):
        hf_hub_download("ann/secret", "a.txt")
    with pytest.raises(GatedRepoError):
        hf_hub_download("ann/gated", "a.txt")
    with pytest.raises(GatedRepoError):
        hf_hub_download("ann/gated", "a.txt", token=False)
    assert HfApi().model_info("ann/gated").gated == "auto"
    gated.granted.add("tester")
    assert fetched("ann/gated", "a.txt") == "1"


def test_a_broken_connection_is_broken_until_mended(hub, tmp_path) -> None:
    sent = folder(tmp_path, a_dot_parquet=b"1" * 1000, b_dot_parquet=b"2" * 1000)
    hub.create(NAME)
    before = hub.repo(NAME).resolve().oid
    hub.break_off("upload", at=2)
    with pytest.raises(RuntimeError, match="Error while uploading"):
        HfApi().upload_folder(repo_id=NAME, repo_type="dataset", folder_path=sent)
    assert hub.repo(NAME).resolve().oid == before
    assert len(hub.objects) == 1
    hub.mend()
    HfApi().upload_folder(repo_id=NAME, repo_type="dataset", folder_path=sent)
    assert {"a.parquet", "b.parquet"} < hub.repo(NAME).files().keys()


def test_the_client_itself_repeats_after_a_short_fault(hub, tmp_path) -> None:
    hub.create(NAME)
    hub.break_off("upload", times=1, status=500)
    hub.break_off("preupload", times=1, status=503)
    HfApi().upload_folder(repo_id=NAME, repo_type="dataset", folder_path=folder(tmp_path, a_dot_parquet=b"1" * 99))
    assert hub.repo(NAME).files()["a.parquet"] == b"1" * 99


def test_a_commit_whose_answer_is_lost_is_there(hub, tmp_path) -> None:
    hub.create(NAME)
    hub.break_off("commit", after=True)
    with pytest.raises(Exception, match=r"(?i)disconnect|reset|closed"):
        HfApi().upload_folder(repo_id=NAME, repo_type="dataset", folder_path=folder(tmp_path, a_dot_txt=b"1"))
    assert hub.repo(NAME).files()["a.txt"] == b"1"


def test_a_subprocess_talks_to_it_through_its_environment(hub, tmp_path) -> None:
    hub.create(NAME, files={"a.txt": b"hello"})
    code = f"from huggingface_hub import *; print(open(hf_hub_download('{NAME}', 'a.txt', repo_type='dataset')).read())"
    done = subprocess.run([sys.executable, "-c", code], env=hub.environment(tmp_path), capture_output=True, text=True)
    assert done.stdout == "hello\n", done.stderr


def test_load_dataset_reads_configs_and_pinned_revisions(hub) -> None:
    from datasets import load_dataset

    card = "---\nconfigs:\n- config_name: one\n  data_files:\n  - split: test\n    path: one/*.jsonl\n---\n"
    first = hub.create(NAME, files={"README.md": card.encode(), "one/t.jsonl": b'{"x": 1}\n'}).resolve().oid
    hub.commit(NAME, {"one/t.jsonl": b'{"x": 2}\n'})
    assert load_dataset(NAME, "one")["test"][0] == {"x": 2}
    assert load_dataset(NAME, "one", revision=first)["test"][0] == {"x": 1}
