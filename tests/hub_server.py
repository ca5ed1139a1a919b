"""A Hugging Face Hub on 127.0.0.1, for tests of what is pushed to the Hub and read from it.

It speaks those endpoints that the real client, `huggingface_hub`, uses for model and dataset repositories: who am I,
create and delete, info, tree, paths, refs, commits, tags, branches, pre-upload, LFS batch and upload, commit (on a
branch or as a pull request), download with ranges and ETags; and collections. Repositories are called ``owner/name``.
Commits are kept, so that a revision can be pinned.

    with HubServer() as hub:
        hub.use(monkeypatch, tmp_path)                      # this process talks to it …
        run(..., env=hub.environment(tmp_path))             # … or a subprocess does
        hub.create("ann/polls", files={"README.md": b"…"})  # without HTTP
        hub.repo("ann/polls").files()                       # path -> bytes of main
        hub.requests                                        # what was asked for
        hub.break_off("commit")                             # the connection breaks at every commit, until …
        hub.mend()

The client's token is `HubServer.TOKEN`, its user ``tester``, who may write below ``tester`` and the organisations of
``HubServer(organisations=…)``; reading needs a token only where a repository is private or gated. Large files go over
LFS: hf_xet, the client's own transfer, is switched off in both ways of use, for it talks to a service of its own.
"""

from __future__ import annotations

import importlib
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.hub_store import Blob, Collection, Commit, HubError, Repo

STAGES = (
    "whoami",
    "create",
    "delete",
    "validate",
    "info",
    "preupload",
    "batch",
    "upload",
    "commit",
    "download",
    "ref",
    "collection",
)
"""Kinds of request at which `HubServer.break_off` can break; ``info`` is every question about a repository, ``ref``
makes a tag or branch."""


class BrokenOff(Exception):
    """The connection is to be closed without an answer."""


@dataclass
class Fault:
    """See `HubServer.break_off`."""

    stage: str
    at: int
    times: int | None
    status: int | None
    after: bool
    seen: int = 0

    def strikes(self) -> bool:
        """Count a request and say whether it is to fail."""
        self.seen += 1
        return self.seen >= self.at and (self.times is None or self.seen < self.at + self.times)


class HubServer:
    """The server; a context manager that starts and stops it.

    Attributes:
        url: Address, without a slash at the end.
        tokens: Token -> user.
        requests: ``"METHOD path"`` of every request, in order.
        repos: (kind, ``owner/name``) -> repository.
        collections: Slug -> collection.
        objects: LFS objects by SHA-256, committed or not.
        check_card: Gets the text of a README.md that is about to be pushed, returns what the Hub would object to.
    """

    TOKEN = "hf_local_server"

    def __init__(
        self,
        *,
        organisations: Iterable[str] = (),
        lfs_endings: tuple[str, ...] = (".parquet", ".safetensors", ".bin", ".gguf"),
    ) -> None:
        self.tokens = {self.TOKEN: "tester"}
        self.organisations = set(organisations)
        self.lfs_endings = lfs_endings
        self.requests: list[str] = []
        self.repos: dict[tuple[str, str], Repo] = {}
        self.collections: dict[str, Collection] = {}
        self.objects: dict[str, bytes] = {}
        self.check_card: Callable[[str], list[str]] = lambda text: []
        self.lock = threading.RLock()
        self._faults: list[Fault] = []

    def __enter__(self) -> HubServer:
        from tests.hub_handler import Handler

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._http.hub = self  # type: ignore[attr-defined]
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    # Pointing the client at the server

    def environment(self, home: Path, *, token: str | None = TOKEN) -> dict[str, str]:
        """Return the environment of a subprocess that takes this server for the Hub; its caches are below ``home``."""
        keep = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGINGFACE_"))}
        settings = {
            "HF_ENDPOINT": self.url,
            "HF_HOME": str(home / "hf"),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_DISABLE_UPDATE_CHECK": "1",
            "NO_PROXY": "127.0.0.1",
        }
        return keep | settings | ({"HF_TOKEN": token} if token else {})

    def use(self, monkeypatch: Any, home: Path, *, token: str | None = TOKEN) -> None:
        """Make this process take the server for the Hub; the caches of the client and of `datasets` are below ``home``.

        The libraries read their environment when they are imported, which may be long past, so their constants are
        set; both look these up at each call. Waiting between the client's own repeats is cut out.
        """
        import huggingface_hub.constants as constants
        from huggingface_hub.hf_api import api
        from huggingface_hub.utils import _http

        bars = importlib.import_module("huggingface_hub.utils.tqdm")  # as an attribute it is a class of that name

        for name in [name for name in os.environ if name.startswith(("HF_", "HUGGINGFACE_"))]:
            monkeypatch.delenv(name)
        for name, value in self.environment(home, token=token).items():
            if name.startswith("HF_") or name == "NO_PROXY":
                monkeypatch.setenv(name, value)
        settings = {
            "ENDPOINT": self.url,
            "HUGGINGFACE_CO_URL_TEMPLATE": self.url + "/{repo_id}/resolve/{revision}/{filename}",
            "HF_HUB_CACHE": str(home / "hf" / "hub"),
            "HF_TOKEN_PATH": str(home / "hf" / "token"),
            "HF_HUB_OFFLINE": False,
            "HF_HUB_DISABLE_XET": True,
        }
        for name, value in settings.items():
            monkeypatch.setattr(constants, name, value)
        monkeypatch.setattr(api, "endpoint", self.url)  # behind the client's plain functions, which peft calls
        monkeypatch.setattr(bars, "HF_HUB_DISABLE_PROGRESS_BARS", True)
        monkeypatch.setattr(_http, "time", SimpleNamespace(**vars(time) | {"sleep": lambda seconds: None}))
        self._use_for_datasets(monkeypatch, home)

    def _use_for_datasets(self, monkeypatch: Any, home: Path) -> None:
        import datasets.config as config

        monkeypatch.setattr(config, "HF_ENDPOINT", self.url)
        monkeypatch.setattr(config, "HUB_DATASETS_URL", self.url + "/datasets/{repo_id}/resolve/{revision}/{path}")
        monkeypatch.setattr(config, "HF_DATASETS_CACHE", home / "hf" / "datasets")
        monkeypatch.setattr(config, "HF_MODULES_CACHE", home / "hf" / "modules")
        monkeypatch.setattr(config, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(config, "USE_PARQUET_EXPORT", False)  # a service of its own, at another address

    # State, without HTTP

    def create(
        self,
        name: str,
        kind: str = "dataset",
        *,
        files: Mapping[str, bytes] | None = None,
        private: bool = False,
        gated: bool = False,
    ) -> Repo:
        """Make a repository whose first commit holds ``files`` and, as on the Hub, ``.gitattributes``."""
        with self.lock:
            if (kind, name) in self.repos:
                raise HubError(409, f"You already created this {kind} repo: {name}")
            repo = self.repos[kind, name] = Repo(kind, name, private, gated)
            attributes = "".join(f"*{ending} filter=lfs diff=lfs merge=lfs -text\n" for ending in self.lfs_endings)
            content = {".gitattributes": attributes.encode(), **(files or {})}
            blobs = {path: Blob(data, self.is_large(path, len(data))) for path, data in content.items()}
            repo.add(blobs, "initial commit", author=repo.owner, ref="refs/heads/main", parent=None)
            return repo

    def commit(self, name: str, files: Mapping[str, bytes], kind: str = "dataset") -> Commit:
        """Commit ``files`` on top of main."""
        with self.lock:
            repo = self.repo(name, kind)
            head = repo.resolve()
            blobs = {path: Blob(data, self.is_large(path, len(data))) for path, data in files.items()}
            return repo.add(head.files | blobs, "by the test", ref="refs/heads/main", parent=head.oid)

    def repo(self, name: str, kind: str = "dataset") -> Repo:
        """Return a repository."""
        if (kind, name) not in self.repos:
            raise HubError(404, "Repository not found", "RepoNotFound")
        return self.repos[kind, name]

    def collection(self, owner: str, title: str) -> Collection | None:
        """Return the collection of an owner and title, if there is one."""
        found = (known for known in self.collections.values() if (known.owner, known.title) == (owner, title))
        return next(found, None)

    def add_collection(self, owner: str, title: str, private: bool = False) -> Collection:
        """Make an empty collection."""
        made = Collection(owner, title, private)
        self.collections[made.slug] = made
        return made

    def is_large(self, path: str, size: int) -> bool:
        """Say whether a file goes over LFS."""
        return size > 0 and (path.endswith(self.lfs_endings) or size > 10 * 1024 * 1024)

    def may_write(self, user: str | None, owner: str) -> bool:
        """Say whether a user may write to the repositories of an owner."""
        return user is not None and (owner == user or owner in self.organisations)

    # Faults

    def break_off(
        self,
        stage: str,
        *,
        at: int = 1,
        times: int | None = None,
        status: int | None = None,
        after: bool = False,
    ) -> None:
        """Make requests of a stage fail.

        Args:
            stage: One of `STAGES`.
            at: The first request of the stage, counted from now and from 1, that fails.
            times: How many fail; None for all until `mend`. (The client repeats many requests by itself.)
            status: HTTP status of the answer (503, 429, …); None closes the connection without an answer, for an
                upload when half of the bytes have come.
            after: The request is carried out and only its answer is lost.
        """
        if stage not in STAGES:
            raise ValueError(f"no stage {stage!r} in {STAGES}")
        self._faults.append(Fault(stage, at, times, status, after))

    def mend(self) -> None:
        """Let all requests through again."""
        self._faults.clear()

    def fault(self, stage: str) -> Fault | None:
        """Count a request of a stage; return the fault that strikes it."""
        with self.lock:
            struck = [fault for fault in self._faults if fault.stage == stage and fault.strikes()]
        return struck[0] if struck else None
