"""Judges from the Hub, over real HTTP with the real client."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from plural_tasks.judges import load_judge
from plural_tasks.utils.errors import ModPluralError
from tests.hub_server import HubServer
from tests.plural_tasks.judges import tiny_checkpoints

PAIR = ("a promise binds", "it binds")
OPTIONS = {"device": "cpu", "progress": False}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with HubServer() as server:
        server.use(monkeypatch, tmp_path / "home")
        # transformers keeps a client, and with it the address of the server of the test before
        monkeypatch.setattr("transformers.utils.hub._hf_api", None, raising=False)
        yield server


def files_of(folder: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).iterdir() if path.is_file()}


def test_all_files_are_of_one_commit(hub: HubServer, tmp_path: Path) -> None:
    older, newer = (tiny_checkpoints.classifier(tmp_path / str(seed), seed=seed) for seed in (0, 1))
    hub.create("ann/nli", kind="model", files=files_of(older))
    first = hub.repo("ann/nli", "model").resolve().oid
    second = hub.commit("ann/nli", files_of(newer), kind="model").oid

    latest, pinned = load_judge("ann/nli", **OPTIONS), load_judge(f"nli:ann/nli@{first}", **OPTIONS)

    assert (latest.name, latest.revision) == ("ann/nli", second)
    assert (pinned.name, pinned.revision) == ("ann/nli", first)
    for judge, folder in ((latest, newer), (pinned, older)):
        assert judge.entail([PAIR]) == load_judge(folder, **OPTIONS).entail([PAIR])
    # only the first question was about a branch
    assert {request.split("/resolve/")[1].split("/")[0] for request in hub.requests if "/resolve/" in request} == {
        *("main", first, second)
    }


def test_what_was_fetched_once_is_there_without_the_hub(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    hub.create("ann/encoder", kind="model", files=files_of(tiny_checkpoints.encoder(tmp_path / "encoder")))
    before = load_judge("embedding:ann/encoder", **OPTIONS)
    found = before.entail([PAIR])
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)

    again = load_judge("embedding:ann/encoder", **OPTIONS)

    assert again.revision == before.revision == hub.repo("ann/encoder", "model").resolve().oid
    assert again.entail([PAIR]) == found


def test_a_repository_that_is_not_there(hub: HubServer) -> None:
    with pytest.raises(ModPluralError, match=r"judge ann/nothing: is no folder here and cannot be fetched .*404"):
        load_judge("ann/nothing", **OPTIONS)


def test_a_repository_without_a_model(hub: HubServer) -> None:
    hub.create("ann/notes", kind="model", files={"README.md": b"# notes"})
    with pytest.raises(ModPluralError, match=r"judge ann/notes: .* cannot be fetched"):
        load_judge("ann/notes", **OPTIONS)


def test_a_connection_that_breaks(hub: HubServer, tmp_path: Path) -> None:
    hub.create("ann/nli", kind="model", files=files_of(tiny_checkpoints.classifier(tmp_path / "nli")))
    hub.break_off("download")
    with pytest.raises(ModPluralError, match="judge ann/nli: is no folder here and cannot be fetched"):
        load_judge("ann/nli", **OPTIONS)

    hub.mend()
    assert load_judge("ann/nli", **OPTIONS).revision == hub.repo("ann/nli", "model").resolve().oid
