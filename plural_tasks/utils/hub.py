"""Write to repositories of the Hugging Face Hub.

Every push is one commit on top of the state that was looked at before: a push that is cut off leaves the old version,
and the same push repeated sends only what is missing. (`HfApi.upload_folder` is not used because its newer versions
commit in batches.)
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from plural_tasks.utils.errors import ModPluralError, one_line

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

LOGIN = "Run `hf auth login` (or set HF_TOKEN) with a token that may write"

Kind = Literal["dataset", "model", "space"]
Stale = Callable[[Mapping[str, "bytes | Path"], "RemoteRepository"], Iterable[str]]


@dataclass(frozen=True)
class Pushed:
    """What a push did.

    Attributes:
        repo_id: ``owner/name``.
        url: Page of the commit, or of the pull request.
        revision: Commit that holds the files.
        changed: False when the repository held exactly these files before, so that nothing was committed.
        pull_request: Page of the pull request; None for a direct commit.
    """

    repo_id: str
    url: str
    revision: str
    changed: bool
    pull_request: str | None = None


class RemoteRepository:
    """A repository at one commit, for those who decide what is out of date."""

    def __init__(self, api: HfApi, repo_id: str, revision: str, kind: Kind = "dataset") -> None:
        self._api, self._repo_id, self._revision, self._kind = api, repo_id, revision, kind
        self.files = tuple(api.list_repo_files(repo_id, repo_type=kind, revision=revision))

    def read(self, path: str) -> str:
        """Return the text of a file."""
        local = self._api.hf_hub_download(self._repo_id, path, repo_type=self._kind, revision=self._revision)
        return Path(local).read_text(encoding="utf-8")


def push_json(
    repo_id: str,
    path_in_repo: str,
    data: object,
    *,
    message: str | None = None,
    private: bool = False,
    pull_request: bool = False,
    token: str | None = None,
) -> Pushed:
    """Put one JSON file into a data set repository, which is created if need be; its other files stay.

    Args:
        repo_id: ``owner/name``.
        path_in_repo: Path of the file in the repository; a file there is replaced.
        data: What ``json.dumps`` takes; NaN and infinity are refused, for they are not JSON.
        message: Title of the commit.
        private: A repository that is created is private.
        pull_request: Offer the file as a pull request, which everybody may do, instead of committing it.
        token: A token of the Hub; by default that of ``hf auth login`` or ``HF_TOKEN``.

    Raises:
        ModPluralError: For the reasons of `push_files`; or ``data`` is not JSON.
    """
    try:
        text = json.dumps(data, indent=2, ensure_ascii=False, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ModPluralError(f"{path_in_repo}: cannot be written as JSON ({error}).") from error
    return push_files(
        repo_id,
        {path_in_repo: (text + "\n").encode()},
        message=message or f"Add {path_in_repo}",
        private=private,
        pull_request=pull_request,
        token=token,
    )


def push_files(
    repo_id: str,
    files: Mapping[str, bytes | Path],
    *,
    message: str,
    private: bool = False,
    pull_request: bool = False,
    token: str | None = None,
    stale: Stale | None = None,
    kind: Kind = "dataset",
) -> Pushed:
    """Put files into a repository in one commit; the repository is created if need be.

    Args:
        repo_id: ``owner/name``.
        files: Path in the repository -> content, or the local file that has it.
        message: Title of the commit.
        private: A repository that is created is private; one that exists must be.
        pull_request: Offer the commit as a pull request.
        token: A token of the Hub; by default that of ``hf auth login`` or ``HF_TOKEN``.
        stale: Gets the files and the repository as it is, returns the paths to delete in the same commit; may raise
            `ModPluralError` to forbid the push.
        kind: What the repository is.

    Raises:
        ModPluralError: If there is no token or it may not write, the repository is public and ``private`` is asked
            for, somebody else commits at the same time, or the connection breaks. The repository then holds its old
            files, or in the last case all of the new ones.
    """
    api = client(repo_id, token)
    with explained(repo_id, begun=False):
        revision = _head(api, repo_id, kind, private)
        gone = stale(files, RemoteRepository(api, repo_id, revision, kind)) if stale else ()
    with explained(repo_id, begun=True):
        done = api.create_commit(
            repo_id,
            _operations(files, gone),
            repo_type=kind,
            commit_message=message,
            parent_commit=revision,
            create_pr=pull_request,
        )
    return Pushed(
        repo_id=repo_id,
        url=done.pr_url or done.commit_url,
        revision=done.oid,
        changed=done.oid != revision,
        pull_request=done.pr_url,
    )


def _head(api: HfApi, repo_id: str, kind: Kind, private: bool) -> str:
    """The repository's newest commit; the repository is created if need be."""
    sdk = "static" if kind == "space" else None  # nothing runs there
    api.create_repo(repo_id, repo_type=kind, private=private or None, exist_ok=True, space_sdk=sdk)
    head = api.repo_info(repo_id, repo_type=kind)
    if private and not head.private:
        raise ModPluralError(
            f"{repo_id}: exists and is public, so that --private would not hold. Make it private in its settings, "
            "or push to another name."
        )
    return str(head.sha)


def _operations(
    files: Mapping[str, bytes | Path], gone: Iterable[str]
) -> list[CommitOperationAdd | CommitOperationDelete]:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    return [
        *(CommitOperationDelete(path) for path in gone),
        *(CommitOperationAdd(path, content) for path, content in files.items()),
    ]


def check_repo_id(repo_id: str) -> None:
    """Check, without network, that this can be the name of a repository.

    Raises:
        ModPluralError: If it is not ``owner/name``, or has signs that the Hub does not allow.
    """
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    if len([part for part in repo_id.split("/") if part]) != 2 or repo_id.count("/") != 1:
        raise ModPluralError(f"{repo_id!r}: expected owner/name, where owner is a user or an organisation of the Hub.")
    try:
        validate_repo_id(repo_id)
    except ValueError as error:
        raise ModPluralError(f"{repo_id!r}: expected owner/name as the Hub allows it ({one_line(error)}).") from error


def client(repo_id: str, token: str | None = None) -> HfApi:
    """Return the Hub's client, for writing to a repository.

    Raises:
        ModPluralError: If the name is none, or there is no token.
    """
    from huggingface_hub import HfApi, get_token

    check_repo_id(repo_id)
    if not (token or get_token()):
        raise ModPluralError(f"{repo_id}: no Hugging Face token was found. {LOGIN}.")
    return HfApi(token=token, library_name="modplural")


@contextmanager
def explained(repo_id: str, *, begun: bool) -> Iterator[None]:
    """Turn the client's exceptions into one sentence each; ``begun`` says whether files may be on their way."""
    from huggingface_hub.errors import HfHubHTTPError

    # The HTTPError of httpx or of httpx2, whichever this version of the client is built on.
    transport: type[BaseException] = HfHubHTTPError.__mro__[1]
    try:
        yield
    except ModPluralError:
        raise
    except (transport, OSError, RuntimeError, ValueError) as error:
        raise ModPluralError(f"{repo_id}: {_explanation(error, repo_id, begun)}") from error


def _explanation(error: BaseException, repo_id: str, begun: bool) -> str:
    while isinstance(error, RuntimeError) and error.__cause__ is not None:  # the client wraps what an upload raises
        error = error.__cause__
    status = getattr(getattr(error, "response", None), "status_code", None)
    owner = repo_id.partition("/")[0]
    if status == 401:
        return f"the Hub does not know this token. {LOGIN}."
    if status == 403:
        return f"the token may not write to {owner!r}. {LOGIN} there, or offer the change as a pull request."
    if status in (409, 412):
        return "somebody else changed the repository during the push; nothing was pushed. Repeat the command."
    if isinstance(error, ValueError):
        return f"nothing was pushed: {one_line(error)}"
    reason = f"the Hub answered {status}" if status else one_line(error)[:200]
    if not begun:
        return f"the push did not begin ({reason}); no file was sent. Repeat the command."
    return (
        f"the push was cut off ({reason}). The repository holds its old files or all of the "
        "new ones, nothing between; repeat the command, which sends only what is missing."
    )
