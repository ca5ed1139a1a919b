"""Fetching from the Hub (a local server that the real client talks to) and from an address of several files."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from plural_tasks.sources import DATA_VARIABLE, SOURCES, Source, locate, read_items
from plural_tasks.utils.errors import ModPluralError
from tests.hub_server import HubServer
from tests.plural_tasks.sources import samples

GATED = SOURCES["overton_valueprism"]
TABLES = SOURCES["distributional_moralchoice_full"]
TABLE = SOURCES["distributional_globalopinionqa_full"]


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv(DATA_VARIABLE, raising=False)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with HubServer() as server:
        server.use(monkeypatch, tmp_path)
        yield server


def put(hub: HubServer, source: Source, folder: Path, *, gated: bool = False) -> Source:
    """Upload a sample of the source; return the source pinned to that commit, which is no longer the newest."""
    samples.SAMPLES[source.name](folder)
    names = source.files or (source.filename,)
    repo = hub.create(source.hub_dataset, files={name: (folder / name).read_bytes() for name in names}, gated=gated)
    pinned = repo.resolve().oid
    hub.commit(source.hub_dataset, dict.fromkeys(names, b"changed since"))
    return replace(source, revision=pinned)


def refusal(source: Source) -> str:
    with pytest.raises(ModPluralError) as caught:
        locate(source)
    assert "\n" not in str(caught.value)
    return str(caught.value)


class TestHub:
    def test_a_file_comes_at_its_revision(self, hub: HubServer, tmp_path: Path) -> None:
        source = put(hub, TABLE, tmp_path / "upstream")

        assert len(read_items(source, locate(source))) == 4

    def test_several_files_come_as_a_folder(self, hub: HubServer, tmp_path: Path) -> None:
        source = put(hub, TABLES, tmp_path / "upstream")
        folder = locate(source)

        assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*.csv")) == sorted(source.files)
        assert [item.id for item in read_items(source, folder)] == ["C_1", "H_1"]

    def test_what_was_fetched_is_kept(self, hub: HubServer, tmp_path: Path) -> None:
        source = put(hub, TABLES, tmp_path / "upstream")
        first = locate(source)
        asked = len(hub.requests)

        assert locate(source) == first
        assert len(hub.requests) == asked

    def test_a_gated_one_says_what_to_do(self, hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        source = put(hub, GATED, tmp_path / "upstream", gated=True)
        expected = (
            "overton_valueprism: https://huggingface.co/datasets/allenai/ValuePrism is gated (AI2 ImpACT License, "
            "medium risk artifacts). Accept its terms there and run `hf auth login`, or give the path of "
            "the folder that holds it as plural_data (--metadata plural_data=PATH in lm_eval, --data PATH in modplural "
            "data) or MODPLURAL_DATA."
        )

        assert refusal(source) == expected  # logged in, but without consent
        monkeypatch.delenv("HF_TOKEN")
        assert refusal(source) == expected

    def test_with_consent_a_gated_one_comes(self, hub: HubServer, tmp_path: Path) -> None:
        source = put(hub, GATED, tmp_path / "upstream", gated=True)
        hub.repo(source.hub_dataset).granted.add("tester")

        assert len(read_items(source, locate(source))) == 2

    @pytest.mark.parametrize("missing", ["repository", "revision", "file"])
    def test_one_that_is_not_there(self, missing: str, hub: HubServer, tmp_path: Path) -> None:
        source = TABLE if missing == "repository" else put(hub, TABLE, tmp_path / "upstream")
        if missing == "revision":
            source = replace(source, revision="0" * 40)
        if missing == "file":
            source = replace(source, filename="data/other.csv")

        message = refusal(source)
        assert message.startswith(
            f"distributional_globalopinionqa_full: {source.filename} of "
            "https://huggingface.co/datasets/Anthropic/llm_global_opinions cannot be fetched ("
        )
        assert message.endswith(
            "). Fetch it by other means and give its path as plural_data (--metadata plural_data=PATH in lm_eval, "
            "--data PATH in modplural data) or MODPLURAL_DATA."
        )

    def test_one_that_cannot_be_reached(self, hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        import huggingface_hub.constants as constants

        with socket.socket() as taken:  # bound, but nobody listens
            taken.bind(("127.0.0.1", 0))
            address = f"http://127.0.0.1:{taken.getsockname()[1]}"
            monkeypatch.setattr(constants, "ENDPOINT", address)
            monkeypatch.setattr(
                constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}"
            )
            message = refusal(TABLE)

        assert "cannot be fetched (" in message

    @pytest.mark.parametrize("source", [GATED, TABLE])
    def test_a_copy_of_ones_own_needs_no_hub(self, source: Source, hub: HubServer, tmp_path: Path) -> None:
        folder = tmp_path / "mine"
        samples.SAMPLES[source.name](folder)

        assert len(read_items(source, locate(source, folder))) > 0
        assert hub.requests == []


class TestAddressOfSeveralFiles:
    @pytest.fixture
    def site(self, tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
        samples.moralchoice(tmp_path / "site")
        seen: list[str] = []

        class Handler(SimpleHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:
                seen.append(self.path)

        http = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(tmp_path / "site")))
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{http.server_address[1]}", seen
        http.shutdown()
        thread.join()
        http.server_close()

    def test_all_are_fetched_once(self, site: tuple[str, list[str]]) -> None:
        address, seen = site
        folder = locate(TABLES, address)

        assert [item.id for item in read_items(TABLES, folder)] == ["C_1", "H_1"]
        assert locate(TABLES, f"{address}/") == folder
        assert seen == [f"/{name}" for name in TABLES.files]

    def test_a_missing_one_is_named(self, site: tuple[str, list[str]], tmp_path: Path) -> None:
        name = TABLES.files[1]
        (tmp_path / "site" / name).unlink()

        with pytest.raises(ModPluralError) as caught:
            locate(TABLES, site[0])
        assert str(caught.value).startswith(
            f"distributional_moralchoice_full: {site[0]}/{name} cannot be fetched (404 "
        )
        assert str(caught.value).endswith(
            f"). Fetch {name} by other means and give the path of the folder that holds it as plural_data (--metadata "
            "plural_data=PATH in lm_eval, --data PATH in modplural data) or MODPLURAL_DATA."
        )
