"""What a Hub keeps: repositories with commits, branches, tags and pull requests, all in memory.

`tests.hub_server` serves it over HTTP; tests may look into it directly.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any


class HubError(Exception):
    """A request that the Hub refuses: HTTP status, text, and the code in ``X-Error-Code`` that the client reads."""

    def __init__(self, status: int, message: str, code: str = "", **headers: str) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.headers = status, message, code, headers


@dataclass(frozen=True)
class Blob:
    """A file's bytes; ``lfs`` files are known by their SHA-256, the others by git's SHA-1."""

    data: bytes
    lfs: bool = False

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def oid(self) -> str:
        """Git's object id: of the content, or for an LFS file of its pointer."""
        pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {len(self.data)}\n"
        content = pointer.encode() if self.lfs else self.data
        return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()

    @property
    def etag(self) -> str:
        return self.sha256 if self.lfs else self.oid

    def entry(self, path: str) -> dict[str, Any]:
        """The file as the tree and paths-info endpoints describe it."""
        entry: dict[str, Any] = {"type": "file", "path": path, "size": len(self.data), "oid": self.oid}
        if self.lfs:
            entry["lfs"] = {"oid": self.sha256, "size": len(self.data), "pointerSize": 134}
        return entry


@dataclass(frozen=True)
class Commit:
    """One state of all files, and how it came about."""

    oid: str
    parent: str | None
    title: str
    description: str
    author: str
    files: dict[str, Blob]
    date: str


@dataclass
class Repo:
    """A repository. ``refs`` maps full names (``refs/heads/main``, ``refs/tags/v1``, ``refs/pr/1``) to commits."""

    kind: str
    name: str
    private: bool = False
    gated: bool = False
    granted: set[str] = field(default_factory=set)
    refs: dict[str, str] = field(default_factory=dict)
    history: dict[str, Commit] = field(default_factory=dict)

    @property
    def owner(self) -> str:
        return self.name.partition("/")[0]

    @property
    def path(self) -> str:
        """The repository's path on the site."""
        return f"/{self.name}" if self.kind == "model" else f"/{self.kind}s/{self.name}"

    def ref(self, revision: str) -> str | None:
        """The full name of a branch, tag or pull request; None for a commit."""
        names = (f"refs/heads/{revision}", f"refs/tags/{revision}", revision)
        return next((name for name in names if name in self.refs), None)

    def resolve(self, revision: str = "main") -> Commit:
        """Return the commit of a branch, tag, pull request, or (shortened) commit id."""
        name = self.ref(revision)
        if name is not None:
            return self.history[self.refs[name]]
        for oid, commit in self.history.items():
            if len(revision) >= 7 and oid.startswith(revision):
                return commit
        raise HubError(404, f"Invalid rev id: {revision}", "RevisionNotFound")

    def log(self, revision: str = "main") -> list[Commit]:
        """Return the commits of a revision, newest first."""
        commits = [self.resolve(revision)]
        while commits[-1].parent is not None:
            commits.append(self.history[commits[-1].parent])
        return commits

    def files(self, revision: str = "main") -> dict[str, bytes]:
        """Return the files of a revision."""
        return {path: blob.data for path, blob in self.resolve(revision).files.items()}

    def add(
        self,
        files: dict[str, Blob],
        title: str,
        *,
        description: str = "",
        author: str = "",
        ref: str,
        parent: str | None,
    ) -> Commit:
        """Append a commit whose files are ``files`` to ``ref``."""
        content = [f"{path} {blob.oid}" for path, blob in sorted(files.items())]
        seed = "\n".join([self.path, str(parent), title, description, str(len(self.history)), *content])
        oid = hashlib.sha1(seed.encode()).hexdigest()
        date = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        self.history[oid] = Commit(oid, parent, title, description, author, files, date)
        self.refs[ref] = oid
        return self.history[oid]

    def open_request(self, parent: str) -> tuple[str, int]:
        """Return the ref and the number of a new pull request on top of ``parent``."""
        number = 1 + sum(name.startswith("refs/pr/") for name in self.refs)
        self.refs[f"refs/pr/{number}"] = parent
        return f"refs/pr/{number}", number

    def tree(self, revision: str, below: str, recursive: bool) -> list[dict[str, Any]]:
        """Return files and folders below a folder.

        Raises:
            HubError: If there is no such folder.
        """
        files = self.resolve(revision).files
        prefix = f"{below}/" if below else ""
        if below and not any(path.startswith(prefix) for path in files):
            raise HubError(404, f"{below} does not exist on {revision!r}", "EntryNotFound")
        entries: dict[str, dict[str, Any]] = {}
        for path in sorted(files):
            if not path.startswith(prefix):
                continue
            parts = path[len(prefix) :].split("/")
            for depth in range(1, len(parts)):
                folder = prefix + "/".join(parts[:depth])
                if recursive or depth == 1:
                    entries.setdefault(folder, folder_entry(folder))
            if recursive or len(parts) == 1:
                entries[path] = files[path].entry(path)
        return list(entries.values())

    def paths_info(self, revision: str, paths: list[str]) -> list[dict[str, Any]]:
        """Describe those of ``paths`` that exist."""
        files = self.resolve(revision).files
        found = []
        for path in paths:
            if path in files:
                found.append(files[path].entry(path))
            elif any(name.startswith(f"{path}/") for name in files):
                found.append(folder_entry(path))
        return found

    def info(self, revision: str) -> dict[str, Any]:
        """What the repository's own endpoint says."""
        commit = self.resolve(revision)
        return {
            "_id": hashlib.sha1(self.name.encode()).hexdigest()[:24],
            "id": self.name,
            "author": self.owner,
            "sha": commit.oid,
            "lastModified": commit.date,
            "createdAt": commit.date,
            "private": self.private,
            "gated": "auto" if self.gated else False,
            "disabled": False,
            "tags": [],
            "downloads": 0,
            "likes": 0,
            "siblings": [
                {"rfilename": path, "size": len(blob.data), "blobId": blob.oid}
                for path, blob in sorted(commit.files.items())
            ],
        }

    def all_refs(self) -> dict[str, Any]:
        """What the refs endpoint says."""
        keys = {"refs/heads/": "branches", "refs/tags/": "tags", "refs/pr/": "pullRequests"}
        answer: dict[str, list[dict[str, str]]] = {"branches": [], "converts": [], "tags": [], "pullRequests": []}
        for ref, oid in self.refs.items():
            prefix, key = next((prefix, key) for prefix, key in keys.items() if ref.startswith(prefix))
            name = ref if prefix == "refs/pr/" else ref.removeprefix(prefix)
            answer[key].append({"name": name, "ref": ref, "targetCommit": oid})
        return answer


@dataclass
class Collection:
    """A list of repositories (kind, name), known by the slug ``owner/title-<id>``."""

    owner: str
    title: str
    private: bool = False
    items: list[tuple[str, str]] = field(default_factory=list)

    @property
    def slug(self) -> str:
        number = hashlib.sha1(f"{self.owner}/{self.title}".encode()).hexdigest()[:24]
        return f"{self.owner}/{re.sub('[^a-z0-9]+', '-', self.title.lower()).strip('-')}-{number}"

    def info(self) -> dict[str, Any]:
        """What the collection's own endpoint says."""
        items = [
            {"_id": f"{place:024x}", "id": name, "type": kind, "position": place}
            for place, (kind, name) in enumerate(self.items)
        ]
        return {
            "slug": self.slug,
            "title": self.title,
            "owner": {"name": self.owner},
            "items": items,
            "lastUpdated": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "position": 0,
            "private": self.private,
            "theme": "blue",
            "upvotes": 0,
        }


def folder_entry(path: str) -> dict[str, Any]:
    """A folder as the tree endpoint describes it."""
    return {"type": "directory", "path": path, "size": 0, "oid": hashlib.sha1(path.encode()).hexdigest()}
