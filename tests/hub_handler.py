"""The HTTP side of `tests.hub_server`: one method for each endpoint of the Hub."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.hub_server import BrokenOff, HubServer
from tests.hub_store import Blob, Collection, HubError, Repo

_REPO = r"(?P<name>[^/]+/[^/]+)"
ROUTES = [
    ("GET", r"/api/whoami-v2", "whoami", "whoami"),
    ("POST", r"/api/validate-yaml", "validate", "validate"),
    ("POST", r"/api/repos/create", "create", "create"),
    ("DELETE", r"/api/repos/delete", "delete", "delete"),
    ("POST", r"/api/collections", "new_collection", "collection"),
    ("GET", r"/api/collections/(?P<slug>[^/]+/[^/]+)", "collection", "collection"),
    ("POST", r"/api/collections/(?P<slug>[^/]+/[^/]+)/items", "add_item", "collection"),
    ("GET", rf"/api/(?P<kind>\w+)s/{_REPO}(?:/revision/(?P<rev>[^/]+))?", "info", "info"),
    ("GET", rf"/api/(?P<kind>\w+)s/{_REPO}/tree/(?P<rev>[^/]+)(?:/(?P<path>.*))?", "tree", "info"),
    ("POST", rf"/api/(?P<kind>\w+)s/{_REPO}/paths-info/(?P<rev>[^/]+)", "paths_info", "info"),
    ("GET", rf"/api/(?P<kind>\w+)s/{_REPO}/refs", "refs", "info"),
    ("GET", rf"/api/(?P<kind>\w+)s/{_REPO}/commits/(?P<rev>[^/]+)", "commits", "info"),
    ("POST", rf"/api/(?P<kind>\w+)s/{_REPO}/(?P<what>tag|branch)/(?P<rev>[^/]+)", "new_ref", "ref"),
    ("POST", rf"/api/(?P<kind>\w+)s/{_REPO}/preupload/(?P<rev>[^/]+)", "preupload", "preupload"),
    ("POST", rf"/api/(?P<kind>\w+)s/{_REPO}/commit/(?P<rev>[^/]+)", "commit", "commit"),
    ("POST", rf"(?:/(?P<kind>datasets|spaces))?/{_REPO}\.git/info/lfs/objects/batch", "batch", "batch"),
    ("PUT", r"/lfs/(?P<oid>[0-9a-f]{64})", "upload", "upload"),
    ("GET", rf"(?:/(?P<kind>datasets|spaces))?/{_REPO}/resolve/(?P<rev>[^/]+)/(?P<path>.+)", "download", "download"),
]


@dataclass(frozen=True)
class Answer:
    """What an endpoint says when it is not plain JSON with status 200."""

    status: int
    body: bytes
    headers: dict[str, str]

    @classmethod
    def of(cls, status: int, data: object, headers: Mapping[str, str] | None = None) -> Answer:
        """An answer in JSON."""
        return cls(status, json.dumps(data).encode(), {"Content-Type": "application/json", **(headers or {})})


class Handler(BaseHTTPRequestHandler):
    """One connection. An endpoint's method gets the matched parts of the path, returns JSON or an `Answer`."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or every answer waits 40 ms for the client's acknowledgement
    wbufsize = -1

    @property
    def hub(self) -> HubServer:
        return self.server.hub  # type: ignore[attr-defined,no-any-return]

    def log_message(self, *_: object) -> None:
        """Keep quiet."""

    def do_GET(self) -> None:
        self.handle_request("GET")

    do_HEAD = do_GET

    def do_POST(self) -> None:
        self.handle_request("POST")

    def do_PUT(self) -> None:
        self.handle_request("PUT")

    def do_DELETE(self) -> None:
        self.handle_request("DELETE")

    # Frame

    def handle_request(self, method: str) -> None:
        url = urlsplit(self.path)
        self.query = parse_qs(url.query)
        self.hub.requests.append(f"{self.command} {self.path}")
        try:
            answer = self.route(method, url.path)
        except HubError as error:
            self.refuse(error)
        except BrokenOff:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        else:
            self.answer(answer if isinstance(answer, Answer) else Answer.of(200, answer))

    def route(self, method: str, path: str) -> Any:
        for verb, pattern, name, stage in ROUTES:
            match = re.fullmatch(pattern, path)
            if match and verb == method:
                parts = {key: unquote(value) for key, value in match.groupdict().items() if value is not None}
                return self.carry_out(getattr(self, name), parts, stage)
        self.read_body()
        raise HubError(404, f"The local Hub server has no {method} {path}")

    def carry_out(self, endpoint: Callable[..., Any], parts: dict[str, str], stage: str) -> Any:
        fault = self.hub.fault(stage)
        broken = fault is not None and fault.status is None
        if fault is not None and broken and not fault.after:
            self.read_body(half=True)
            raise BrokenOff
        self.body = self.read_body()
        if fault is not None and not fault.after:
            raise HubError(fault.status or 500, "out of order")
        self.user = self.who()
        with self.hub.lock:
            answer = endpoint(**parts)
        if fault is not None:
            raise BrokenOff if broken else HubError(fault.status or 500, "out of order")
        return answer

    def read_body(self, *, half: bool = False) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            chunks = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(chunks)
        length = int(self.headers.get("Content-Length") or 0)
        return self.rfile.read(length // 2 if half else length)

    def answer(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def refuse(self, error: HubError) -> None:
        headers = {"X-Error-Message": error.message, **error.headers} | (
            {"X-Error-Code": error.code} if error.code else {}
        )
        self.answer(Answer.of(error.status, {"error": error.message}, headers))

    # Who asks, and for what

    def who(self) -> str | None:
        """The user of the token; None without one."""
        token = self.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        if not token:
            return None
        if token not in self.hub.tokens:
            raise HubError(401, "Invalid credentials in Authorization header")
        return self.hub.tokens[token]

    def readable(self, kind: str | None, name: str, *, content: bool = False) -> Repo:
        """The repository, if the user may know of it and, for ``content``, read its files."""
        try:
            repo = self.hub.repo(name, (kind or "model").removesuffix("s"))
        except HubError as error:
            error.status = 404 if self.user else 401  # as the Hub does, which tells strangers nothing
            raise
        inside = self.hub.may_write(self.user, repo.owner) or self.user in repo.granted
        if repo.private and not inside:
            raise HubError(404 if self.user else 401, "Repository not found", "RepoNotFound")
        if repo.gated and content and not inside:
            raise HubError(403 if self.user else 401, f"Access to {repo.kind} {name} is restricted.", "GatedRepo")
        return repo

    def writable(self, kind: str | None, name: str) -> Repo:
        """The repository, if the user may commit; anybody with a token may open a pull request."""
        if self.user is None:
            raise HubError(401, "Invalid username or password.")
        repo = self.readable(kind, name)
        if "create_pr" not in self.query and not self.hub.may_write(self.user, repo.owner):
            raise HubError(403, "Forbidden: pass create_pr=1 as a query parameter to create a Pull Request")
        return repo

    def sent(self) -> dict[str, Any]:
        return json.loads(self.body) if self.body else {}

    # Endpoints

    def whoami(self) -> Any:
        if self.user is None:
            raise HubError(401, "Invalid username or password.")
        orgs = [{"type": "org", "name": name, "roleInOrg": "write"} for name in sorted(self.hub.organisations)]
        return {
            "type": "user",
            "name": self.user,
            "fullname": self.user,
            "orgs": orgs,
            "auth": {"type": "access_token", "accessToken": {"displayName": "test", "role": "write"}},
        }

    def validate(self) -> Any:
        problems = self.hub.check_card(self.sent()["content"])
        errors = [{"message": text} for text in problems]
        return Answer.of(400 if errors else 200, {"errors": errors, "warnings": []})

    def create(self) -> Any:
        sent = self.sent()
        owner = sent.get("organization") or self.user
        if self.user is None:
            raise HubError(401, "Invalid username or password.")
        if not self.hub.may_write(self.user, owner):
            raise HubError(403, f'You don\'t have the rights to create a repo under the namespace "{owner}"')
        kind, name = sent.get("type") or "model", f"{owner}/{sent['name']}"
        private = sent.get("private") or sent.get("visibility") == "private"
        repo = self.hub.repos.get((kind, name))
        if repo is None:
            repo = self.hub.create(name, kind, private=bool(private))
            return {"url": self.hub.url + repo.path, "name": name, "id": name}
        message = f"You already created this {kind} repo: {name}"
        return Answer.of(409, {"error": message, "url": self.hub.url + repo.path})

    def delete(self) -> Any:
        sent = self.sent()
        repo = self.writable(sent.get("type") or "model", f"{sent.get('organization') or self.user}/{sent['name']}")
        del self.hub.repos[repo.kind, repo.name]
        return {}

    def info(self, kind: str, name: str, rev: str = "main") -> Any:
        return self.readable(kind, name).info(rev)

    def tree(self, kind: str, name: str, rev: str, path: str = "") -> Any:
        recursive = self.query.get("recursive", ["false"])[0].lower() in ("true", "1")
        return self.readable(kind, name).tree(rev, path.strip("/"), recursive)

    def paths_info(self, kind: str, name: str, rev: str) -> Any:
        return self.readable(kind, name).paths_info(rev, parse_qs(self.body.decode()).get("paths", []))

    def refs(self, kind: str, name: str) -> Any:
        return self.readable(kind, name).all_refs()

    def commits(self, kind: str, name: str, rev: str) -> Any:
        return [
            {
                "id": commit.oid,
                "title": commit.title,
                "message": commit.description,
                "date": commit.date,
                "authors": [{"user": commit.author}],
            }
            for commit in self.readable(kind, name).log(rev)
        ]

    def new_ref(self, kind: str, name: str, what: str, rev: str) -> Any:
        repo = self.writable(kind, name)
        if what == "tag":
            ref, start = f"refs/tags/{self.sent()['tag']}", rev
        else:
            ref, start = f"refs/heads/{rev}", self.sent().get("startingPoint") or "main"
        if ref in repo.refs:
            raise HubError(409, f"Reference {ref} already exists")
        repo.refs[ref] = repo.resolve(start).oid
        return {}

    def new_collection(self) -> Any:
        sent = self.sent()
        owner, title = sent["namespace"], sent["title"]
        if self.user is None:
            raise HubError(401, "Invalid username or password.")
        if not self.hub.may_write(self.user, owner):
            raise HubError(403, f"You don't have the rights to create a collection for {owner}")
        made = self.hub.collection(owner, title)
        if made is not None:
            return Answer.of(409, {"error": "Collection already exists", "slug": made.slug})
        return self.hub.add_collection(owner, title, bool(sent.get("private"))).info()

    def collection(self, slug: str) -> Any:
        return self.known(slug).info()

    def add_item(self, slug: str) -> Any:
        found, item = self.known(slug), self.sent()["item"]
        if not self.hub.may_write(self.user, found.owner):
            raise HubError(403 if self.user else 401, "Forbidden")
        self.readable(item["type"], item["id"])
        if (item["type"], item["id"]) in found.items:
            raise HubError(409, "Item already in the collection")
        found.items.append((item["type"], item["id"]))
        return found.info()

    def known(self, slug: str) -> Collection:
        """The collection of a slug."""
        if slug not in self.hub.collections:
            raise HubError(404, "Collection not found")
        return self.hub.collections[slug]

    def preupload(self, kind: str, name: str, rev: str) -> Any:
        files = self.writable(kind, name).resolve(rev).files
        answer = []
        for file in self.sent()["files"]:
            mode = "lfs" if self.hub.is_large(file["path"], file["size"]) else "regular"
            known = files.get(file["path"])
            entry = {"path": file["path"], "uploadMode": mode, "shouldIgnore": False}
            answer.append(entry | ({"oid": known.etag} if known else {}))
        return {"files": answer}

    def batch(self, name: str, kind: str = "models") -> Any:
        if self.user is None:
            raise HubError(401, "Invalid username or password.")
        self.readable(kind, name)
        objects = []
        for item in self.sent()["objects"]:
            entry = {"oid": item["oid"], "size": item["size"]}
            if item["oid"] not in self.hub.objects:
                entry["actions"] = {"upload": {"href": f"{self.hub.url}/lfs/{item['oid']}", "header": {}}}
            objects.append(entry)
        return {"transfer": "basic", "objects": objects}

    def upload(self, oid: str) -> Any:
        if hashlib.sha256(self.body).hexdigest() != oid:
            raise HubError(400, "The content does not fit its digest")
        self.hub.objects[oid] = self.body
        return {}

    def commit(self, kind: str, name: str, rev: str) -> Any:
        repo = self.writable(kind, name)
        lines = [json.loads(line) for line in self.body.splitlines() if line.strip()]
        header = lines[0]["value"]
        head = repo.resolve(rev)
        if header.get("parentCommit") and not head.oid.startswith(header["parentCommit"]):
            raise HubError(412, "A commit has happened since. Please refresh and try again.")
        files = dict(head.files)
        for line in lines[1:]:
            self.change(files, line["key"], line["value"])
        ref, answer = repo.ref(rev) or rev, {}
        if self.query.get("create_pr") == ["1"]:
            ref, number = repo.open_request(head.oid)
            answer = {"pullRequestUrl": f"{self.hub.url}{repo.path}/discussions/{number}"}
        made = repo.add(
            files,
            header["summary"],
            description=header.get("description", ""),
            author=self.user or "",
            ref=ref,
            parent=head.oid,
        )
        url = f"{self.hub.url}{repo.path}/commit/{made.oid}"
        return {"success": True, "commitOid": made.oid, "commitUrl": url, "hookOutput": "", **answer}

    def change(self, files: dict[str, Blob], key: str, value: dict[str, Any]) -> None:
        """Apply one line of a commit."""
        path = value["path"]
        if key == "file":
            files[path] = Blob(base64.b64decode(value["content"]))
        elif key == "lfsFile":
            if value["oid"] not in self.hub.objects:
                raise HubError(400, f"LFS pointer of {path} points to a file that does not exist")
            files[path] = Blob(self.hub.objects[value["oid"]], lfs=True)
        elif key in ("deletedFile", "deletedFolder"):
            gone = [old for old in files if old == path or old.startswith(f"{path.rstrip('/')}/")]
            if not gone:
                raise HubError(404, f"A file with this name doesn't exist: {path}", "EntryNotFound")
            for old in gone:
                del files[old]
        else:
            raise HubError(400, f"unknown operation {key}")

    def download(self, name: str, rev: str, path: str, kind: str = "models") -> Answer:
        repo = self.readable(kind, name, content=True)
        commit = repo.resolve(rev)
        headers = {"X-Repo-Commit": commit.oid, "Accept-Ranges": "bytes"}
        blob = commit.files.get(path)
        if blob is None:
            raise HubError(404, "Entry not found", "EntryNotFound", **headers)
        headers |= {"ETag": f'"{blob.etag}"', "Content-Type": "application/octet-stream"}
        window = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        if window is None or self.command == "HEAD":
            return Answer(200, blob.data, headers)
        size = len(blob.data)
        first, last = window.groups()
        start = int(first) if first else max(size - int(last), 0)
        end = min(int(last), size - 1) if first and last else size - 1
        if start >= size:
            raise HubError(416, "Range not satisfiable", **{"Content-Range": f"bytes */{size}"})
        headers["Content-Range"] = f"bytes {start}-{end}/{size}"
        return Answer(206, blob.data[start : end + 1], headers)
