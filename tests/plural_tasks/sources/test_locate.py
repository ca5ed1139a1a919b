import hashlib
import json
import logging
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

SOURCE = SOURCES["overton_vk"]
OTHER = SOURCES["steerable_vk"]
RECORD = {"situation": "planting a tree", "vrd": ["Care"], "explanation": ["Trees outlive us."], "id": 1}
EMBEDDED = [source for source in SOURCES.values() if source.embedded]


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of its own, and no settings from outside."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv(DATA_VARIABLE, raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Holds the file of `SOURCE`."""
    path = tmp_path / "data"
    path.mkdir()
    (path / SOURCE.filename).write_text(json.dumps([RECORD]))
    return path


def refusal(source: Source, override: object = None) -> str:
    with pytest.raises(ModPluralError) as caught:
        locate(source, override)  # type: ignore[arg-type]
    return str(caught.value)


class TestLocalPlaces:
    def test_a_file_under_any_name(self, tmp_path: Path) -> None:
        path = tmp_path / "mine.json"
        path.touch()

        assert locate(SOURCE, path) == path
        assert locate(SOURCE, str(path)) == path

    def test_a_folder(self, folder: Path) -> None:
        assert locate(SOURCE, folder) == folder / SOURCE.filename

    def test_a_folder_with_the_full_file(self, tmp_path: Path) -> None:
        (tmp_path / "overton_test_valuekaleidoscope.json").touch()

        assert locate(SOURCE, tmp_path) == tmp_path / "overton_test_valuekaleidoscope.json"

    def test_a_folder_with_both_gives_the_small_one(self, folder: Path) -> None:
        (folder / "overton_test_valuekaleidoscope.json").touch()

        assert locate(SOURCE, folder) == folder / SOURCE.filename

    def test_a_folder_without_the_file(self, folder: Path) -> None:
        assert refusal(OTHER, folder) == (
            f"{folder}: holds no steerable_test_valuekaleidoscope_small.json, which the source 'steerable_vk' reads."
        )

    def test_no_such_place(self, tmp_path: Path) -> None:
        missing = tmp_path / "none"

        assert refusal(SOURCE, missing) == (
            f"{missing}: no such file or folder. Give plural_data (or MODPLURAL_DATA) a file, "
            "or a folder that holds overton_test_valuekaleidoscope_small.json."
        )

    def test_the_home_folder(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", str(folder.parent))

        assert locate(SOURCE, "~/data") == folder / SOURCE.filename

    @pytest.mark.parametrize("wrong", [2024, True, ["data"], 1.5])
    def test_what_is_no_place(self, wrong: object) -> None:
        assert refusal(SOURCE, wrong) == (
            f"plural_data: found {wrong!r}, expected a file, a folder, an address, or a mapping to these."
        )
        assert f"found {wrong!r}" in refusal(SOURCE, {SOURCE.name: wrong})


class TestVariable:
    def test_is_used_when_nothing_is_given(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(DATA_VARIABLE, str(folder))

        assert DATA_VARIABLE == "MODPLURAL_DATA"
        assert locate(SOURCE) == folder / SOURCE.filename

    def test_gives_way_to_what_is_given(self, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "none"))

        assert locate(SOURCE, folder) == folder / SOURCE.filename


class TestMapping:
    def test_each_source_has_its_place(self, folder: Path, tmp_path: Path) -> None:
        file = tmp_path / "stances.json"
        file.touch()
        mapping = {"overton_vk": str(folder), "steerable_vk": str(file)}

        assert locate(SOURCE, mapping) == folder / SOURCE.filename
        assert locate(OTHER, mapping) == file

    def test_an_unknown_source_is_refused(self, folder: Path) -> None:
        message = refusal(SOURCE, {"overton_vkk": str(folder)})

        assert message.startswith("plural_data: unknown source 'overton_vkk'. Did you mean 'overton_vk'? Valid: ")

    def test_a_source_that_it_leaves_out_is_fetched(self, server: "Server", tmp_path: Path) -> None:
        public = replace(SOURCE, url=server.address, sha256=server.digest)

        fetched = locate(public, {"steerable_vk": str(tmp_path)})
        assert fetched.read_bytes() == server.content


class Server:
    """A folder served over HTTP."""

    def __init__(self, folder: Path) -> None:
        self.requests: list[str] = []
        self.content = (folder / SOURCE.filename).read_bytes()
        self.digest = hashlib.sha256(self.content).hexdigest()
        seen = self.requests

        class Handler(SimpleHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:
                seen.append(self.path)

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        self.address = f"http://127.0.0.1:{self.http.server_address[1]}"


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    served = Server(folder)
    thread = threading.Thread(target=served.http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield served
    served.http.shutdown()
    thread.join()
    served.http.server_close()


class TestAddress:
    @pytest.mark.parametrize("end", ["", "/"])
    def test_is_fetched_into_the_cache_once(self, server: Server, tmp_path: Path, end: str) -> None:
        first = locate(SOURCE, server.address + end)
        second = locate(SOURCE, server.address + end)

        assert first == second
        assert first.is_relative_to(tmp_path / "cache" / "modplural" / "data")
        assert server.requests == [f"/{SOURCE.filename}"]
        assert [item.id for item in read_items(SOURCE, first)] == ["1"]

    def test_may_stand_in_variable_and_mapping(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(DATA_VARIABLE, server.address)

        assert locate(SOURCE) == locate(SOURCE, {"overton_vk": server.address})

    def test_the_public_copy_is_checked_by_its_digest(self, server: Server) -> None:
        assert locate(replace(SOURCE, url=server.address, sha256=server.digest)).read_bytes() == server.content

        message = refusal(replace(SOURCE, url=server.address, sha256="0" * 64))
        assert message.startswith(f"overton_vk: {server.address}/{SOURCE.filename} cannot be fetched (")
        assert "hash" in message

    def test_that_holds_no_such_file(self, server: Server) -> None:
        message = refusal(OTHER, server.address)

        assert message.startswith(f"steerable_vk: {server.address}/{OTHER.filename} cannot be fetched (404 ")

    def test_that_cannot_be_reached(self, caplog: pytest.LogCaptureFixture) -> None:
        with socket.socket() as taken:  # bound, but nobody listens
            taken.bind(("127.0.0.1", 0))
            address = f"http://127.0.0.1:{taken.getsockname()[1]}"
            with caplog.at_level(logging.WARNING):
                message = refusal(SOURCE, address)

        assert message.startswith(f"overton_vk: {address}/{SOURCE.filename} cannot be fetched (")
        assert message.endswith(
            f"). Fetch {SOURCE.filename} by other means and give its path as plural_data (--metadata "
            "plural_data=PATH in lm_eval, --data PATH in modplural data) or MODPLURAL_DATA."
        )
        assert "\n" not in message
        assert caplog.records == []


@pytest.mark.parametrize("source", EMBEDDED, ids=lambda source: source.name)
class TestEmbeddedSources:
    def test_ignore_every_override(self, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        shipped = locate(source)
        monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "none"))

        assert locate(source) == shipped
        assert locate(source, tmp_path) == shipped
        assert locate(source, {source.name: str(tmp_path)}) == shipped
        assert shipped.is_file()
        assert shipped.name == Path(source.filename).name


def test_there_is_an_embedded_source_for_each_mode() -> None:
    assert {source.mode for source in EMBEDDED} == {"distributional", "overton", "steerable"}


@pytest.mark.parametrize("source", EMBEDDED, ids=lambda source: source.name)
def test_a_file_for_a_shipped_source_is_a_mistake_and_a_folder_is_for_others(source: Source, tmp_path: Path) -> None:
    own = locate(source)
    assert locate(source, tmp_path) == own
    assert locate(source, "https://example.org/data") == own
    assert locate(source, {"overton_vk": "/nowhere"}) == own
    (tmp_path / "mine.json").write_text("[]", encoding="utf-8")
    for place in (tmp_path / "mine.json", tmp_path / "nothing"):
        with pytest.raises(ModPluralError, match="is shipped in the package and reads nothing else"):
            locate(source, place)
